package demo

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/skald-saga/skald"
)

// Faults makes services slow and unreliable, from outside. It is safe for concurrent use, and what is set holds for every
// handler that begins from then on; those that lag already lag as long as they were told to.
type Faults struct {
	mu     sync.Mutex
	lag    Range
	chaos  map[string]float64 // by service; one that isn't in it doesn't fail
	random *rand.Rand
}

// NewFaults begins with a lag for every service and a probability of failing by service. The same source gives the same lags and
// failures, as far as handlers come in the same order. It panics if lag or chaos is none that [ParseRange] or [ParseChaos]
// would give.
func NewFaults(lag Range, chaos map[string]float64, source rand.Source) *Faults {
	f := &Faults{chaos: map[string]float64{}, random: rand.New(source)} //nolint:gosec // a demo may be guessed
	if err := f.SetLag(lag); err != nil {
		panic("demo: " + err.Error())
	}
	for service, p := range chaos {
		if err := f.SetChaos(service, p); err != nil {
			panic("demo: " + err.Error())
		}
	}
	return f
}

// Lag is what lags are drawn from.
func (f *Faults) Lag() Range {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lag
}

// SetLag refuses a negative or reversed range, and one beyond [MaxLag].
func (f *Faults) SetLag(lag Range) error {
	if err := lag.check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lag = lag
	return nil
}

// Chaos is the services that may fail, and how likely.
func (f *Faults) Chaos() map[string]float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.chaos)
}

// SetChaos sets how likely a handler of a service is to fail, 0 to 1; another probability is refused.
func (f *Faults) SetChaos(service string, p float64) error {
	if err := checkProbability(p); err != nil {
		return fmt.Errorf("chaos for %s: %w", service, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p == 0 {
		delete(f.chaos, service)
	} else {
		f.chaos[service] = p
	}
	return nil
}

// Around is what to put around a service, by service.Around(faults.Around(service.Name())): each call of a handler first sleeps for a
// lag, which ends with the context, and then fails or is passed on. A call that fails has had no effect; its error is an
// ordinary one, which the engine treats as any other.
func (f *Faults) Around(service string) func(next skald.Handler) skald.Handler {
	return func(next skald.Handler) skald.Handler {
		return func(ctx context.Context) error {
			lag, probability, fails := f.draw(service)
			if err := sleep(ctx, lag); err != nil {
				return fmt.Errorf("demo lag: %w", err)
			}
			if fails {
				return fmt.Errorf("demo failure: the chaos of %s is set to %v", service, probability)
			}
			return next(ctx)
		}
	}
}

func (f *Faults) draw(service string) (lag time.Duration, probability float64, fails bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	probability = f.chaos[service]
	return f.lag.draw(f.random), probability, f.random.Float64() < probability
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
