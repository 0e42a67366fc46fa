package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// Session is one service in one process: a member of the service's group with one transaction at a time.
type Session struct {
	cfg         Config
	service     Service
	steps       map[string]*saga.Step // by input topic, without prefix
	machine     *saga.Machine
	inbox       string
	ledgerTopic string
	source      string            // ce_source of what this service emits
	topics      map[string]string // names with the prefix, by those without
	logger      *slog.Logger
	metrics     *metrics

	admin *kgo.Client // not transactional: topics, offsets, announcements
	group *kgo.GroupTransactSession

	assignment  assignment
	ledgers     map[int32]*ledger.Ledger
	consumed    map[int32]map[string]int64 // next offsets, by partition and topic
	executions  *executions
	limits      map[string]int32 // max.message.bytes of topics, as far as the brokers told
	letterBound int              // bytes above which a letter is cut
	unreadable  map[place]*kgo.ErrDecompressTooLarge
	leftOpen    bool     // a transaction was begun and not ended
	aborts      int      // in a row
	member      string   // of the group, as the last client knew it
	before      slotSeen // when the last client was about to join
	lastCommit  time.Time
	outbound    outbound
	pressure    pressure
	limit       limit
	upkeep      upkeep
	vitals      *vitals
	unannounced sync.Once // says that announcements are refused
}

// NewSession prepares a service. Run it once.
func NewSession(cfg Config, service Service) *Session {
	s := &Session{
		cfg: cfg, service: service, steps: map[string]*saga.Step{},
		inbox: cfg.Namespace.Inbox(service.Name), ledgerTopic: cfg.Namespace.Ledger(service.Name),
		source: wire.Source(service.Name), topics: map[string]string{},
		logger:      cfg.Logger.With("service", service.Name),
		metrics:     newMetrics(cfg.Metrics, service.Name),
		ledgers:     map[int32]*ledger.Ledger{},
		consumed:    map[int32]map[string]int64{},
		letterBound: LetterBound,
		unreadable:  map[place]*kgo.ErrDecompressTooLarge{},
		vitals:      newVitals(),
	}
	for i := range service.Steps {
		s.steps[service.Steps[i].Topic] = &service.Steps[i].Step
	}
	s.executions = newExecutions(service, s.metrics, s.vitals, s.logger)
	s.assignment.nudge = s.executions.nudge
	s.machine = s.newMachine()
	return s
}

// Run serves until ctx ends, then drains: handlers that run may finish within the drain time, and what they produced is
// committed. It waits for a broker that isn't there and lives through one that goes away. It returns nil after a drain, and an
// error for what waiting can't mend.
func (s *Session) Run(ctx context.Context) error {
	handlers, stopHandlers := context.WithCancel(context.WithoutCancel(ctx))
	s.executions.handlers = handlers
	defer s.executions.leave(s.logger)
	defer stopHandlers()
	defer s.metrics.unregister()

	admin, err := kgo.NewClient(s.connection("admin").Options()...)
	if err != nil {
		return fmt.Errorf("service %q: %w", s.service.Name, err)
	}
	s.admin = admin
	defer admin.Close()
	if err := s.prepare(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		if lasting, ok := s.lasting(err); ok {
			err = lasting
		}
		return fmt.Errorf("service %q: %w", s.service.Name, err)
	}
	heart := s.announce(ctx)
	defer heart.stop(admin)
	defer s.abandon(ctx)

	for try := 0; ; try++ {
		began := time.Now()
		err := s.serve(ctx, stopHandlers)
		if errors.Is(err, kerr.FencedInstanceID) {
			err = cmp.Or(s.slotTaken(ctx, err), err)
		}
		lasting, lasts := s.lasting(err)
		switch {
		case err == nil:
			return nil
		case lasts:
			return fmt.Errorf("service %q: %w", s.service.Name, lasting)
		case ctx.Err() != nil:
			return nil
		}
		// Begin and End leave a client in doubt after an error: only a new one knows where it stands, by the committed offsets.
		s.metrics.rebuilds.Inc()
		s.logger.Warn("the session failed, joining anew", "error", err)
		if time.Since(began) > rebuildCalm {
			try = 0
		}
		// What fails at once each time (a permission that is missing, say) must not keep a core and a broker busy.
		_ = pause(ctx, min(rebuildCalm, time.Duration(try)*100*time.Millisecond)) // that ctx has ended is seen below
		if err := kafka.WaitForBroker(ctx, s.admin, s.logger); err != nil && ctx.Err() == nil {
			return fmt.Errorf("service %q: %w", s.service.Name, err)
		}
		if ctx.Err() != nil {
			return nil
		}
		if taken := s.slotTaken(ctx, err); taken != nil {
			return fmt.Errorf("service %q: %w", s.service.Name, taken)
		}
	}
}

// finalError is one that a new session would meet again.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }

// lasting says whether a new session would meet an error again, and gives it in words.
func (s *Session) lasting(err error) (error, bool) { //nolint:revive // The error isn't this function's own.
	var final *finalError
	if errors.As(err, &final) {
		err = final.err
	}
	if errors.Is(err, kerr.InvalidSessionTimeout) {
		return fmt.Errorf("the brokers don't allow a session timeout of %v, but what lies between their group.min.session.timeout.ms and "+
			"group.max.session.timeout.ms, by default 6 s to 30 min", s.cfg.SessionTimeout), true
	}
	if explained, ok := s.cfg.Connection.Lasting(err); ok {
		return explained, true
	}
	return err, final != nil
}

func (s *Session) connection(role string) kafka.Connection {
	c := s.cfg.Connection
	c.ClientID = fmt.Sprintf("skald-%s-%s-%s", s.service.Name, role, s.cfg.Instance)
	c.Logger = s.logger
	return c
}

// serve joins the group and runs the loop until ctx ends or a transaction fails.
func (s *Session) serve(ctx context.Context, stopHandlers context.CancelFunc) error {
	// A topic that was given more partitions in the meantime would have sagas looked for where they are not.
	if err := kafka.CheckTopics(ctx, s.admin, s.topicSpecs().fixed); err != nil {
		return err
	}
	if s.cfg.Slot != "" {
		s.before = s.lookAtSlot(ctx)
	}
	s.assignment.reset() // before the client exists: it may be assigned partitions at any time from then on
	s.ledgers, s.consumed, s.pressure = map[int32]*ledger.Ledger{}, map[int32]map[string]int64{}, pressure{}
	clear(s.unreadable)
	alive, kill := context.WithCancel(context.WithoutCancel(ctx))
	options := append(s.connection("session").Options(), kgo.WithContext(alive))
	group, err := kgo.NewGroupTransactSession(append(options, s.groupOptions()...)...)
	if err != nil {
		kill()
		return &finalError{err}
	}
	s.group = group
	defer s.close(ctx, group, kill)
	if s.cfg.Slot == "" { // else settleIn does it
		if err := s.takeOver(ctx, group.Client()); err != nil {
			return err
		}
	}
	if err := s.loop(ctx); err != nil {
		return err
	}
	s.drain(ctx, stopHandlers)
	return nil
}

// takeOver makes the transactional ID this session's, which aborts what a former life left open; else its readers wait for 10 s.
func (s *Session) takeOver(ctx context.Context, client *kgo.Client) error {
	if _, _, err := client.ProducerID(ctx); err != nil {
		id := s.transactionalID()
		err = kafka.About(err, kafka.TransactionalID, id)
		if access, ok := errors.AsType[*kafka.AccessError](err); ok { // other instances have other IDs that begin so
			access.Name, access.Prefixed = s.cfg.Namespace.Group(s.service.Name)+".", true
		}
		return fmt.Errorf("take over the transactional ID %s: %w", id, err)
	}
	return nil
}

// close leaves the group, so that others take over at once, but doesn't wait long for a broker that is away: then kill ends what
// the client still waits for. A static member doesn't leave: who has its slot next goes on (docs/decisions/0005-slots-are-left-by-command.md).
func (s *Session) close(ctx context.Context, group *kgo.GroupTransactSession, kill context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout)
	defer cancel()
	s.member, _ = group.Client().GroupMetadata()
	group.AllowRebalance()
	if err := group.Client().LeaveGroupContext(ctx); err != nil {
		s.logger.Debug("the group takes the leave for granted after the session timeout", "error", err)
	}
	kill()
	group.Close()
	// Close begins a second leave. On a busy machine that was seen to wait for ever, after Close had returned, for a poll to end that had
	// ended long before: this lets it go.
	group.AllowRebalance()
}

// abandon aborts the transaction that the last session left open, if it did: no other takes its ID over soon, and readers, a successor's
// replay among them, would wait for its timeout.
func (s *Session) abandon(ctx context.Context) {
	if !s.leftOpen {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout/2)
	defer cancel()
	req := kmsg.NewPtrInitProducerIDRequest()
	id := s.transactionalID()
	req.TransactionalID, req.ProducerID, req.ProducerEpoch = &id, -1, -1
	req.TransactionTimeoutMillis = int32(s.cfg.TransactionTimeout.Milliseconds())
	if _, err := req.RequestWith(ctx, s.admin); err != nil {
		s.logger.Debug("the last transaction is open until its timeout", "error", err)
	}
}

func (s *Session) groupOptions() []kgo.Opt {
	co := s.coPartitioned()
	return append(s.membership(),
		kgo.ConsumerGroup(s.cfg.Namespace.Group(s.service.Name)),
		kgo.TransactionalID(s.transactionalID()),
		kgo.TransactionTimeout(s.cfg.TransactionTimeout),
		kgo.ConsumeTopics(s.inputs()...),
		kgo.Balancers(kafka.NewBalancer()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.BlockRebalanceOnPoll(),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.SessionTimeout(s.cfg.SessionTimeout),
		kgo.HeartbeatInterval(min(s.cfg.SessionTimeout/4, mostHeartbeat)),
		kgo.AdjustFetchOffsetsFn(s.restore),
		kgo.OnPartitionsRevoked(s.assignment.onLost),
		kgo.OnPartitionsLost(s.assignment.onLost),
		// A transaction's records go in one request: a produce that comes while the broker still writes the last
		// transaction's markers is put off by 20 ms (add.partitions.to.txn.retry.backoff.ms).
		kgo.ManualFlushing(),
		// A backlog is fetched as it is used, not by 50 MiB that lie about decompressed.
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.MaxBufferedRecords(1<<20),
		kgo.RecordPartitioner(kafka.Partitioner(func(topic string) bool {
			name, _ := s.cfg.Namespace.Name(topic)
			return co[topic] || wire.IsInbox(name) // undos go to other services' inboxes
		})),
		kgo.ProducerBatchMaxBytesFn(s.batchBytes),
	)
}

// inputs are the topics that the service reads in its group.
func (s *Session) inputs() []string {
	topics := []string{s.inbox, s.cfg.Namespace.Cancel()}
	for i := range s.service.Steps {
		topics = append(topics, s.cfg.Namespace.Topic(s.service.Steps[i].Topic))
	}
	return topics
}

func (s *Session) kadm() *kadm.Client { return kadm.NewClient(s.admin) }
