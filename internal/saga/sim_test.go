package saga_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	simSeed  = flag.Uint64("sim.seed", 1, "first seed of the simulation")
	simSeeds = flag.Int("sim.seeds", 60, "how many seeds are simulated")
	simSteps = flag.Int("sim.steps", 2000, "steps under faults, for each seed")
)

// settleSteps is how many steps a world has to come to rest after faults have healed.
const settleSteps = 20_000

// simulate runs one seed: under faults, where nothing may be wrong at any time, then calm, where everything must come to its end.
func simulate(seed uint64, sagas, steps int, bug string) (*world, error) {
	w := newWorld(seed, sagas, bug)
	if err := w.run(steps); err != nil {
		return w, err
	}
	w.heal()
	for range settleSteps {
		w.step()
		if w.judge.wrong != nil {
			return w, w.judge.wrong
		}
		if w.steps%50 == 0 && w.atRest() {
			return w, nil
		}
	}
	w.judge.failf("I9", "%s", w.unfinished())
	return w, w.judge.wrong
}

func (w *world) atRest() bool { return w.unfinished() == "" }

// unfinished says what hasn't come to its end, if anything.
func (w *world) unfinished() string {
	for _, saga := range w.sagas {
		if w.judge.outcome[saga] == "" {
			return "saga " + saga[:8] + " has no outcome"
		}
	}
	for saga, n := range w.judge.streams {
		if w.judge.arrived[saga] != n {
			return "a stream hasn't arrived"
		}
	}
	for _, g := range w.groups {
		for _, m := range g.members {
			for _, l := range m.ledgers {
				if l.Unfinished() > 0 || l.OpenSagas() > 0 {
					return "a ledger isn't empty"
				}
			}
		}
	}
	return ""
}

// TestSimulation is the protocol under faults, for many seeds: go test ./internal/saga -run Simulation -sim.seeds 5000 runs more.
func TestSimulation(t *testing.T) {
	outcomes := map[string]int{}
	steps := 0
	began := time.Now()
	for i := range *simSeeds {
		seed := *simSeed + uint64(i)
		w, err := simulate(seed, 1+int(seed%8), *simSteps, "")
		steps += w.steps
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, shortest(t, seed, "", err))
		}
		for _, o := range w.judge.outcome {
			outcomes[o]++
		}
	}
	took := time.Since(began)
	t.Logf("%d seeds, %d steps, %.0f steps/s; outcomes %v", *simSeeds, steps, float64(steps)/took.Seconds(), outcomes)
	for _, o := range []string{"completed", "rejected", "cancelled", "expired", "abandoned"} {
		if outcomes[o] == 0 {
			t.Errorf("no saga ended as %s: the simulation doesn't go there", o)
		}
	}
}

// TestPlantedBugsAreFound: a simulator that finds nothing proves nothing.
func TestPlantedBugsAreFound(t *testing.T) {
	var table []string
	defer func() {
		slices.Sort(table)
		t.Logf("caught by, bug, with seed, steps simulated until then:\n%s", strings.Join(table, "\n"))
	}()
	for bug, invariant := range map[string]string{
		"loses an output":                             "I1",
		"zombies are let in":                          "I1",
		"offsets aren't in the transaction":           "I2",
		"the idempotency key changes":                 "I3",
		"an undo leaves no tombstone":                 "I3",
		"an undo skips a step":                        "I4",
		"restore forgets the outcomes":                "I5",
		"replay forgets what is to be turned round":   "I5",
		"replay forgets the order":                    "I6",
		"clocks go ahead":                             "I7",
		"replay forgets what deadlines were acted on": "I7",
		"work in the ledger is forgotten":             "I9",
		"reads what isn't committed":                  "I10",
	} {
		t.Run(bug, func(t *testing.T) {
			others := map[string]int{} // a bug breaks more than one, and with some seeds another is seen first
			steps := 0
			for seed := range uint64(400) {
				w, err := simulate(seed, 1+int(seed%8), 2000, bug)
				steps += w.steps
				var b *broken
				if !errors.As(err, &b) {
					continue
				}
				if b.invariant == invariant {
					t.Logf("found with seed %d after %d steps: %v; before that: %v", seed, w.steps, err, others)
					table = append(table, fmt.Sprintf("%-3s  %-43s  %3d  %7d", invariant, bug, seed, steps))
					return
				}
				others[b.invariant]++
			}
			t.Fatalf("not found; others were: %v", others)
		})
	}
}

// shortest looks for a short run in which the same goes wrong, and gives its trace.
func shortest(t *testing.T, seed uint64, bug string, err error) string {
	t.Helper()
	var want *broken
	if !errors.As(err, &want) {
		return ""
	}
	var best *world
	for sagas := 1; sagas <= 2; sagas++ {
		for i := range uint64(500) {
			w, err := simulate(seed+i, sagas, *simSteps, bug)
			var b *broken
			if errors.As(err, &b) && b.invariant == want.invariant && b.what[:10] == want.what[:10] && (best == nil || w.steps < best.steps) {
				best = w
			}
		}
		if best != nil {
			break
		}
	}
	if best == nil {
		best, _ = simulate(seed, 1+int(seed%8), *simSteps, bug)
	}
	return best.tail(60)
}

// tail gives the last lines of the trace, of one saga if the trouble is about one.
func (w *world) tail(n int) string {
	lines := w.trace
	for _, saga := range w.sagas {
		if strings.Contains(w.judge.wrong.Error(), saga[:8]) {
			lines = slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
				return strings.Contains(line, "stream") || slices.ContainsFunc(w.sagas, func(other string) bool {
					return other != saga && strings.Contains(line, other[:8])
				})
			})
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
