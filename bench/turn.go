package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	joinTimeout  = time.Minute
	cleanTimeout = 10 * time.Second
	// turnExtra is what a turn may take beside its load: start, join, stop.
	turnExtra = 2 * time.Minute
	// slowest is the rate below which a closed loop is given up.
	slowest = 20
)

// turn is one contestant's go at a scenario: fresh processes, fresh topics.
type turn struct {
	cfg        Config
	scenario   Scenario
	contestant Contestant
	round      int
	broker     *broker // nil for one of the turn's own
	prefix     string
	progress   func(ended, of int)

	services []*child
	tracker  *child // of a tracked contestant, else nil
	load     *child
	fail     context.CancelCauseFunc
}

func (t *turn) run(ctx context.Context) (m *Measure, err error) {
	limit := turnExtra + t.cfg.Duration + time.Duration(t.spec("").allSagas())*time.Second/slowest
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("a turn took more than %s", limit))
	defer cancel()
	ctx, t.fail = context.WithCancelCause(ctx)
	t.prefix = "bench-" + uuid.NewString()[:8] + "."
	defer func() { err = errors.Join(err, t.end(ctx)) }()
	if t.broker == nil {
		if t.broker, err = t.cfg.startBroker(ctx, t.scenario.Broker, t.fail); err != nil {
			return nil, err
		}
	}
	if err := t.startServices(ctx); err != nil {
		return nil, err
	}
	if err := t.startTracker(ctx); err != nil {
		return nil, err
	}
	if t.load, err = t.cfg.start("the load generator", t.spec(roleLoad), t.fail); err != nil {
		return nil, err
	}
	return t.watch(ctx)
}

// watch follows the load generator: it takes a snapshot when the warm-up is over and one when enough is measured.
func (t *turn) watch(ctx context.Context) (*Measure, error) {
	var open, shut snapshot
	for {
		m, err := t.load.next(ctx)
		if err != nil {
			return nil, err
		}
		switch m.Event {
		case eventProgress:
			t.progress(m.Ended, m.Of)
		case eventOpen:
			open, err = t.snapshot(ctx)
		case eventShut:
			shut, err = t.snapshot(ctx)
		case eventDrained:
			err = errors.Join(t.stopServices(), t.load.send(order{orderFinish}))
		case eventResult:
			return measure(t.round, m.Result, open, shut), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (t *turn) spec(role string) spec {
	s := spec{
		Role: role, Contestant: t.contestant, Prefix: t.prefix, Partitions: t.scenario.Partitions,
		Outstanding: t.scenario.Outstanding, Rate: t.scenario.Rate,
		Sagas: t.cfg.sagas(t.scenario), Duration: t.cfg.Duration, Patience: t.cfg.Patience, Seed: uint64(t.round),
		Fault: t.cfg.fault,
	}
	if t.broker != nil {
		s.Addr, s.Settle = t.broker.addr, t.broker.settle
	}
	return s
}

func (t *turn) startServices(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, joinTimeout, fmt.Errorf("%s: the services have not joined their groups within %s", t.contestant, joinTimeout))
	defer cancel()
	if !t.contestant.isSkald() { // which makes its own
		if err := t.makeTopics(ctx); err != nil {
			return because(ctx, err)
		}
	}
	for i := range t.scenario.Processes {
		s := t.spec(roleServices)
		if t.cfg.Profile != "" {
			s.Profile = filepath.Join(t.cfg.Profile, t.profileName(i))
		}
		c, err := t.cfg.start(fmt.Sprintf("process %d of %s's services", i+1, t.contestant), s, t.fail)
		if err != nil {
			return err
		}
		t.services = append(t.services, c)
	}
	return because(ctx, t.awaitGroups(ctx))
}

func (t *turn) startTracker(ctx context.Context) (err error) {
	if t.contestant != Tracked {
		return nil
	}
	if t.tracker, err = t.cfg.start("the tracker", t.spec(roleTracker), t.fail); err != nil {
		return err
	}
	_, err = t.tracker.expect(ctx, eventReady)
	return err
}

func (t *turn) profileName(process int) string {
	s := t.scenario
	name := fmt.Sprintf("%s-%dp-%dx-%s", t.contestant, s.Partitions, s.Processes, strings.ReplaceAll(s.Broker, ":", "-"))
	if s.Rate > 0 {
		name += fmt.Sprintf("-rate%d", s.Rate)
	} else {
		name += fmt.Sprintf("-outstanding%d", s.Outstanding)
	}
	return fmt.Sprintf("%s-round%d-%d", name, t.round, process+1)
}

// because gives the cause of a context's end in the place of "context canceled".
func because(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (t *turn) snapshot(ctx context.Context) (s snapshot, err error) {
	add := func(c *child, cpu *time.Duration, rss *int64) {
		used, _ := cpuTime(c.pid) // not Linux: the figures stay zero
		resident, _ := residentMemory(c.pid)
		*cpu += used
		*rss += resident
	}
	for _, c := range t.services {
		add(c, &s.services, &s.servicesRSS)
	}
	add(t.load, &s.load, &s.loadRSS)
	if t.tracker != nil {
		add(t.tracker, &s.tracker, &s.trackerRSS)
		m, err := t.tracker.mark(ctx)
		if err != nil {
			return s, err
		}
		s.behind = *m.Behind
	}
	if t.broker.pid != 0 {
		add(&child{pid: t.broker.pid}, &s.broker, &s.brokerRSS)
	}
	for _, c := range t.services {
		m, err := c.mark(ctx)
		if err != nil {
			return s, err
		}
		s.memory.Allocations += m.Memory.Allocations
		s.memory.Bytes += m.Memory.Bytes
	}
	return s, nil
}

func (t *turn) stopServices() error {
	var errs []error
	for _, c := range t.services {
		errs = append(errs, c.stop())
	}
	t.services = nil
	return errors.Join(errs...)
}

// end stops what still runs, and a broker that is the turn's own; another one is left as it was found.
func (t *turn) end(ctx context.Context) error {
	err := t.stopServices()
	if t.tracker != nil {
		err = errors.Join(err, t.tracker.stop())
	}
	if t.load != nil {
		err = errors.Join(err, t.load.stop())
	}
	switch {
	case t.broker == nil:
		return err
	case !t.broker.lasting:
		return errors.Join(err, t.broker.stop())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	return errors.Join(err, t.deleteTopics(ctx))
}
