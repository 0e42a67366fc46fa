package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// commit writes a batch in one transaction: outputs, ledger changes, consumed offsets, and the ledgers' fences. When it
// aborts, the ledgers are as before, polled records will be polled again, and results of background work are kept. An error
// means that the session must be built anew.
func (s *Session) commit(ctx context.Context, b *batch) error {
	if b.empty() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*s.cfg.TransactionTimeout)
	defer cancel()
	committed, err := s.transact(ctx, b)
	if committed {
		s.aborts = 0
		b.applied()
		s.outbound.reuse()
		b.Reuse()
		return nil
	}
	b.aborted()
	s.outbound = outbound{}
	s.aborts++
	if err == nil && s.aborts > 1 { // a single one is a rebalance; what comes after may need some time
		return pause(ctx, min(time.Second, time.Duration(s.aborts)*20*time.Millisecond))
	}
	return err
}

func (b *batch) empty() bool {
	if len(b.polled) > 0 || len(b.Outs) > 0 {
		return false
	}
	for _, l := range b.s.ledgers {
		if len(l.Changes()) > 0 {
			return false
		}
	}
	return true
}

func (s *Session) transact(ctx context.Context, b *batch) (committed bool, err error) {
	if err := s.group.Begin(); err != nil {
		return false, fmt.Errorf("begin a transaction: %w", err)
	}
	s.leftOpen = true
	// Every promise is looked at before the end: End would commit the offsets of records whose outputs were never written.
	poisoned, produceErr := s.produce(ctx, b)
	if produceErr != nil && !poisoned {
		// No End: it would wait for records that are being sent, and the client can't take those back. Whoever takes the transactional
		// ID over aborts what is open: the next session, or abandon.
		s.metrics.aborted.Inc()
		return false, fmt.Errorf("produce: %w", produceErr)
	}
	committed, err = s.group.End(kgo.PreTxnCommitFnContext(ctx, b.addOffsets), kgo.TransactionEndTry(produceErr == nil))
	s.lastCommit = time.Now()
	if err != nil {
		return false, fmt.Errorf("end a transaction: %w", errors.Join(err, produceErr))
	}
	s.leftOpen = false
	switch {
	case committed:
		s.metrics.committed.Inc()
	default:
		s.metrics.aborted.Inc()
		s.logger.Debug("transaction aborted", "error", produceErr)
	}
	return committed, nil
}

// promises are what the client says of a transaction's records.
type promises struct {
	giveUp context.CancelFunc // ends the wait for the others

	mu     sync.Mutex
	err    error
	other  bool // an error was not one record's own fault
	faults []fault
}

// produce writes the batch's records, ledger changes last, and waits for all promises, but not after one was broken for good. It gives
// the first error, and whether all errors were the records' own faults, which the batch then knows.
func (s *Session) produce(ctx context.Context, b *batch) (poisoned bool, err error) {
	flushing, giveUp := context.WithCancel(ctx)
	defer giveUp()
	p := &promises{giveUp: giveUp}
	client := s.group.Client()
	outputs := func(r *kgo.Record, err error) {
		if err != nil {
			p.note(b.outputOf(r), kafka.About(err, kafka.Topic, r.Topic))
		}
	}
	for i := range b.Outs {
		client.Produce(ctx, b.record(&b.Outs[i]), outputs)
	}
	changes := func(r *kgo.Record, err error) { p.note(nil, kafka.About(err, kafka.Topic, r.Topic)) }
	for partition, l := range s.ledgers {
		for _, c := range l.Changes() {
			r := s.ledgerRecord(partition, s.machine.Record(c))
			b.changes = append(b.changes, changeOf{partition, r})
			client.Produce(ctx, r, changes)
		}
	}
	flushErr := client.Flush(flushing)
	p.mu.Lock()
	defer p.mu.Unlock()
	b.faults = p.faults // of what comes later, after a flush that was given up, nobody hears
	if p.err == nil {
		return false, flushErr
	}
	return !p.other && flushErr == nil, p.err
}

func (b *batch) outputOf(r *kgo.Record) *saga.Out {
	i := slices.IndexFunc(b.Outs, func(o saga.Out) bool { return o.Record == r })
	return &b.Outs[i]
}

func (p *promises) note(out *saga.Out, err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
	if out == nil || !isRecordsFault(err) && !isNobodysInbox(out, err) {
		p.other = true
		p.giveUp()
		return
	}
	p.faults = append(p.faults, fault{out, err})
}

// isRecordsFault says whether the broker, or the client on its behalf, refused a record for what it is: another try would
// fail as well, and with it the partition for ever.
func isRecordsFault(err error) bool {
	return slices.ContainsFunc([]error{
		kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.InvalidTimestamp, kerr.CorruptMessage,
	}, func(target error) bool { return errors.Is(err, target) })
}

// isNobodysInbox says whether an undo can't be sent as there is no such service: a routing slip can name anything.
func isNobodysInbox(out *saga.Out, err error) bool {
	return out.Kind == saga.Emit && wire.IsInbox(out.Topic) && errors.Is(err, kerr.UnknownTopicOrPartition)
}

// addOffsets puts the ledgers' positions into a transaction's offsets. It makes every transaction carry the group's generation,
// so that a zombie's is refused also when it consumed nothing, and it says where a replay begins. Besides, what the client doesn't
// know: the positions behind batches that it couldn't read.
func (b *batch) addOffsets(req *kmsg.TxnOffsetCommitRequest) error {
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic = b.s.ledgerTopic
	for partition, l := range b.s.ledgers {
		p := kmsg.NewTxnOffsetCommitRequestTopicPartition()
		p.Partition, p.Offset = partition, l.Fence()
		topic.Partitions = append(topic.Partitions, p)
	}
	if len(topic.Partitions) > 0 {
		req.Topics = append(req.Topics, topic)
	}
	for _, e := range b.passedOver {
		setOffset(req, e)
	}
	return nil
}

// changeOf is the record of one ledger change.
type changeOf struct {
	partition int32
	record    *kgo.Record
}

// fault is an output that the broker refused for what it is.
type fault struct {
	out *saga.Out
	err error
}

// applied makes the ledgers' changes final.
func (b *batch) applied() {
	offsets := map[int32][]int64{}
	for _, c := range b.changes {
		offsets[c.partition] = append(offsets[c.partition], c.record.Offset)
	}
	for partition, l := range b.s.ledgers {
		l.Commit(offsets[partition])
	}
	b.Committed()
	b.tell()
	for partition, topics := range b.polled {
		if b.s.consumed[partition] == nil {
			b.s.consumed[partition] = map[string]int64{}
		}
		maps.Copy(b.s.consumed[partition], topics)
	}
}

// aborted takes the ledgers' changes back. Polled records will come again and join what their handlers returned; results of
// work from the ledger are heard of again.
func (b *batch) aborted() {
	for _, l := range b.s.ledgers {
		l.Abort()
	}
	for _, f := range b.faults {
		b.blame(f)
	}
	b.s.executions.again(b.Aborted())
}

// blame makes a handler's result a failure when the broker refuses what it produced.
func (b *batch) blame(f fault) {
	if e := f.out.Origin; e != nil {
		e.Outputs = nil
		e.Err = &Failure{Class: wire.ClassPoison, Err: fmt.Errorf("the broker refuses the event for %q: %w", f.out.Topic, f.err)}
		return
	}
	r := b.record(f.out)
	b.s.logger.Error("the broker refuses a record: if it is too large, raise max.message.bytes of the topic",
		"topic", r.Topic, "bytes", recordSize(r), "error", f.err)
	switch {
	case f.out.Kind == saga.Letter: // a cut one fits in any topic
		b.s.letterBound = 0
	case f.out.Item != nil: // it is dealt with in another way
		b.s.machine.Refused[f.out.Item.Key] = fmt.Errorf("the broker refuses a copy for the inbox: %w", f.err)
	}
}
