package crashtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/services/events"
)

// storm is a run in which services fail and hang, and people cancel, redrive and discard, while processes are killed at random.
type storm struct {
	*run

	mu     sync.Mutex
	cast   cast
	doubts []error // of the test itself
}

// cast is what is to become of the sagas, by saga ID.
type cast struct {
	denied, asked, cancelled  map[string]bool // by the policies; to be cancelled; whose cancel was accepted
	redriven, discarded, left map[string]bool // of those that were halted
}

const (
	policies = `permit (principal, action in [Action::"vpn", Action::"desk"], resource) unless { principal.department == "people" };`

	deniedEvery    = 50  // sagas: 2 %
	cancelledEvery = 101 // sagas: 1 %, and some of those that are denied or poisoned
	cancelWithin   = 4 * time.Second
	killsAtLeast   = 2 // per service

	stormFrame = 4 * time.Minute       // until it is given up, and
	stormTakes = 60 * time.Millisecond // for each saga
)

// TestStorm is go test's size of it; make storm's is 10,000 sagas. SKALD_STORM_SAGAS says how many.
func TestStorm(t *testing.T) {
	t.Parallel()
	sagas := setting(t, "SKALD_STORM_SAGAS", 300)
	seed := setting(t, "SKALD_CRASH_SEED", int(rand.Int32()))
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		testStorm(t, embeddedCluster(t), sagas, uint64(seed))
	})
	t.Run("apache", func(t *testing.T) {
		t.Parallel()
		testStorm(t, cluster{addrs: brokertest.Apache(t).Addrs}, sagas, uint64(seed))
	})
}

func testStorm(t *testing.T, c cluster, sagas int, seed uint64) {
	s := newStorm(t, c, sagas, seed)
	began := time.Now()
	lull, calm := make(chan struct{}), make(chan struct{})
	var killers sync.WaitGroup
	for _, service := range s.services {
		killers.Go(func() { s.kill(service, lull, calm) })
	}
	started := s.startAll()
	close(lull)
	s.eventually("every saga has ended or waits visibly", s.allEndedOrHalted)
	waiting := time.Since(started)
	s.decide()
	s.eventually("what was decided is done", s.allEndedOrHalted)
	close(calm)
	killers.Wait()
	s.mustGoOn()
	s.stopServices()
	e := s.evidence()
	v := e.checkStorm(&s.cast)
	t.Logf("%d sagas over %s in %s (seed %d): started within %s, the last terminal or visibly waiting %s later; %d violations\n%s, %d repeats dropped by the mailbox\n%s",
		sagas, t.Name(), time.Since(began).Round(time.Second), seed, started.Sub(began).Round(100*time.Millisecond), waiting.Round(100*time.Millisecond),
		v.total(), e.account(&s.cast), s.mails.Repeats(), s.tally)
	for _, words := range v.words {
		t.Error(words)
	}
	for kind, n := range v.count {
		t.Errorf("%s: %d in all", kind, n)
	}
	for _, err := range s.doubts {
		t.Error(err)
	}
}

func newStorm(t *testing.T, c cluster, sagas int, seed uint64) *storm {
	s := &storm{run: newFrame(t, c, sagas, seed, stormFrame+time.Duration(sagas)*stormTakes)}
	for _, m := range []*map[string]bool{
		&s.cast.denied, &s.cast.asked, &s.cast.cancelled, &s.cast.redriven, &s.cast.discarded, &s.cast.left,
	} {
		*m = map[string]bool{}
	}
	if err := os.WriteFile(filepath.Join(s.folder, "policies.cedar"), []byte(policies), 0o600); err != nil {
		t.Fatal(err)
	}
	binary, err := build(s.folder, "github.com/skald-saga/skald/internal/crashtest/stormy")
	if err != nil {
		t.Fatal(err)
	}
	s.startServices(binary)
	return s
}

// kill kills instances of a service at random, and starts them again, until all is calm: handlers that don't listen end with their
// process. In the lull after the last start there is too little to do for other moments than any.
func (s *storm) kill(service *service, lull, calm <-chan struct{}) {
	moments := []string{inHandler, unended, restoring, ended, joining, produced, atAnyMoment, atAnyMoment}
	if service.name == "notifier" {
		moments = append(moments, mailed, mailed)
	}
	for n := 0; s.ctx.Err() == nil; n++ {
		select {
		case <-calm:
			if n >= killsAtLeast {
				return
			}
		case <-lull:
			moments = []string{atAnyMoment}
		default:
		}
		if err := service.fault(moments[service.random.IntN(len(moments))]); err != nil {
			s.fail(fmt.Errorf("%s: %w", service.name, err))
			return
		}
		service.pause(2 * time.Second)
	}
}

// startAll starts the sagas, some of which it has cancelled a little later, and returns when the last was started, and all was asked.
func (s *storm) startAll() time.Time {
	const perSecond = 100
	var all sync.WaitGroup
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for i := range s.sagas {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
		}
		all.Go(func() { s.startOne(i) })
	}
	last := time.Now()
	all.Wait()
	s.mustGoOn()
	return last
}

func (s *storm) startOne(i int) {
	user := events.NewUser{Name: fmt.Sprintf("User %d", i), Email: fmt.Sprintf("u%d@example.com", i), Department: "people"}
	if i%deniedEvery != 0 {
		user.Department = events.Departments[i%(len(events.Departments)-1)] // people is the last
	}
	key := skald.WithIdempotencyKey(fmt.Sprintf("storm-%d-%d", s.seed, i))
	saga, err := events.Onboarding.Start(s.ctx, s.client, user, key, skald.WithoutWait())
	for ; err != nil && s.ctx.Err() == nil; saga, err = events.Onboarding.Start(s.ctx, s.client, user, key, skald.WithoutWait()) {
		s.mu.Lock()
		s.repeatedStarts++
		s.mu.Unlock()
	}
	if err != nil {
		return
	}
	id := saga.ID()
	s.mu.Lock()
	s.started[user.Email] = id
	s.cast.denied[id] = user.Department == "people"
	s.cast.asked[id] = i%cancelledEvery == 1
	s.mu.Unlock()
	if i%cancelledEvery != 1 {
		return
	}
	select {
	case <-time.After(rand.N(cancelWithin)):
	case <-s.ctx.Done():
	}
	answers, err := s.client.Ask(s.ctx, skald.Cancel("provisioner", id, "the storm"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.doubts = append(s.doubts, err)
		return
	}
	s.cast.cancelled[id] = answers[0].Accepted
}

// allEndedOrHalted asks the topics: how many sagas have an outcome, or a dead letter that nobody has decided about.
func (s *storm) allEndedOrHalted() (bool, error) {
	records, err := readRecords(s.ctx, s.cluster.addrs, s.prefix, "skald.outcomes", "skald.dlq")
	if err != nil {
		return false, err
	}
	settled := map[string]bool{}
	for _, r := range records["skald.outcomes"] {
		settled[r.key] = true
	}
	for _, r := range records["skald.dlq"] {
		if saga := r.headers["ce_sagaid"]; !s.cast.redriven[saga] && !s.cast.discarded[saga] {
			settled[saga] = true
		}
	}
	if len(settled) < s.sagas {
		return false, fmt.Errorf("%d of %d", len(settled), s.sagas)
	}
	return true, nil
}

// decide mends what made the letters, redrives a third of them, discards another, and leaves the rest alone.
func (s *storm) decide() {
	if err := os.WriteFile(filepath.Join(s.folder, "mended"), nil, 0o600); err != nil {
		s.t.Fatal(err)
	}
	outcomes, err := readRecords(s.ctx, s.cluster.addrs, s.prefix, "skald.outcomes")
	if err != nil {
		s.t.Fatal(err)
	}
	ended := map[string]bool{}
	for _, r := range outcomes["skald.outcomes"] {
		ended[r.key] = true
	}
	var requests []skald.Request
	err = s.client.DeadLetters(s.ctx, func(l skald.DeadLetter) bool {
		switch n := len(requests) + len(s.cast.left); {
		case ended[l.SagaID]: // cancelled meanwhile
		case n%3 == 0:
			requests = append(requests, skald.Redrive(l, "mended"))
			s.cast.redriven[l.SagaID] = true
		case n%3 == 1:
			requests = append(requests, skald.Discard(l, "not wanted any more"))
			s.cast.discarded[l.SagaID] = true
		default:
			s.cast.left[l.SagaID] = true
		}
		return true
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, 2*time.Minute)
	defer cancel()
	answers, err := s.client.Ask(ctx, requests...)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, a := range answers {
		if !a.Accepted {
			s.t.Errorf("request %d was refused: %s", i, a.Text)
		}
	}
	s.t.Logf("%d letters redriven, %d discarded, %d left", len(s.cast.redriven), len(s.cast.discarded), len(s.cast.left))
}

// account tells how the sagas ended, and at what cost.
func (e *evidence) account(c *cast) string {
	count := map[string]int{"halted": len(c.left)}
	retried := map[string]int{}
	for _, r := range e.records["skald.outcomes"] {
		count[outcomeOf(r).Outcome]++
	}
	total := 0
	for _, n := range count {
		total += n
	}
	for _, topic := range []string{"authorize", "notify", "notified"} {
		for _, r := range e.records[topic] {
			if r.headers["ce_attempt"] > "1" {
				retried[topic]++
			}
		}
	}
	var b strings.Builder
	for _, outcome := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(&b, "%s %d, ", outcome, count[outcome])
	}
	fmt.Fprintf(&b, "together %d\n", total)
	fmt.Fprintf(&b, "%d dead letters, %d redriven, %d discarded, %d left; %d cancels asked, %d accepted\n",
		len(e.records["skald.dlq"]), len(c.redriven), len(c.discarded), len(c.left), trues(c.asked), trues(c.cancelled))
	fmt.Fprintf(&b, "events that took more than one attempt: %v; compensations: %d of the authorizer, %d of the provisioner\n",
		retried, len(e.undosAt("authorizer")), len(e.undosAt("provisioner")))
	fmt.Fprintf(&b, "%d devices out, %d back in stock; %d sagas have grants; %d mails, %d events of the notifier",
		len(e.devices), e.inStock, len(e.grantKeys()), len(e.mails), len(e.records["notified"]))
	return b.String()
}

func (e *evidence) undosAt(service string) (undos []record) {
	for _, r := range e.records["skald."+service+".inbox"] {
		if r.headers["ce_type"] == undoType {
			undos = append(undos, r)
		}
	}
	return undos
}

func trues(m map[string]bool) (n int) {
	for _, yes := range m {
		if yes {
			n++
		}
	}
	return n
}
