package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// warmSagas are those of a turn that only makes a broker warm: a JVM compiles what it runs often.
const warmSagas = 20_000

// Run measures all scenarios. An error ends it; the report holds what was measured until then. That sagas were lost or doubled is
// no error of the run: Report.Err tells.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Profile != "" {
		if err := os.MkdirAll(cfg.Profile, 0o750); err != nil {
			return nil, err
		}
	}
	r := &runner{cfg: cfg, report: newReport(cfg), turns: cfg.turns()}
	for _, name := range cfg.Brokers {
		if err := r.broker(ctx, name); err != nil {
			return r.report, err
		}
	}
	return r.report, nil
}

type runner struct {
	cfg         Config
	report      *Report
	turn, turns int
}

// broker runs the scenarios of one broker. The embedded one keeps everything in memory, so each turn starts its own; another one
// stays, and is warmed up first.
func (r *runner) broker(ctx context.Context, name string) (err error) {
	var lasting *broker
	if name != Embedded {
		if lasting, err = r.cfg.startBroker(ctx, name, nil); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lasting.stop()) }()
		r.report.Versions[name] = lasting.version
		if err := r.warmUp(ctx, lasting); err != nil {
			return err
		}
	}
	for _, scenario := range r.cfg.scenarios(name) {
		if err := r.rounds(ctx, scenario, lasting); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) warmUp(ctx context.Context, b *broker) error {
	warm := *r
	warm.cfg.Sagas, warm.cfg.Profile = min(r.cfg.Sagas, warmSagas), ""
	s := Scenario{Broker: b.addr, Partitions: r.cfg.Partitions[0], Processes: 1, Outstanding: 256}
	for _, contestant := range r.cfg.Contestants {
		if _, err := warm.one(ctx, s, contestant, 0, b); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}
	return nil
}

// rounds lets the contestants take turns. Who begins changes from round to round, so that nobody always has the same before him.
func (r *runner) rounds(ctx context.Context, s Scenario, b *broker) error {
	measures := map[Contestant][]Measure{}
	defer func() { r.report.add(s, r.cfg.sagas(s), measures) }()
	for round := 1; round <= r.cfg.Rounds; round++ {
		first := (round - 1) % len(r.cfg.Contestants)
		for _, contestant := range slices.Concat(r.cfg.Contestants[first:], r.cfg.Contestants[:first]) {
			r.turn++
			m, err := r.one(ctx, s, contestant, round, b)
			if err != nil {
				return fmt.Errorf("%s, round %d of %s: %w", s, round, contestant, err)
			}
			measures[contestant] = append(measures[contestant], *m)
		}
	}
	return nil
}

func (r *runner) one(ctx context.Context, s Scenario, contestant Contestant, round int, b *broker) (*Measure, error) {
	progress := Progress{Turn: r.turn, Turns: r.turns, Scenario: s, Contestant: contestant, Round: round}
	t := &turn{cfg: r.cfg, scenario: s, contestant: contestant, round: round, broker: b}
	t.progress = func(ended, of int) {
		progress.Ended, progress.Of = ended, of
		r.cfg.Progress(progress)
	}
	t.progress(0, 0)
	m, err := t.run(ctx)
	if err != nil {
		return nil, err
	}
	progress.Measure = m
	r.cfg.Progress(progress)
	return m, nil
}

// newReport describes what is measured where.
func newReport(cfg Config) *Report {
	return &Report{
		Began: time.Now().UTC().Truncate(time.Second), Machine: describeMachine(), Versions: map[string]string{},
		Rounds: cfg.Rounds, Seconds: cfg.Duration.Seconds(),
	}
}
