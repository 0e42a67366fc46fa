package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// openWarmUp is how long an open loop runs before it is measured.
	openWarmUp = 2 * time.Second

	progressEvery = 100 * time.Millisecond
	startTimeout  = 30 * time.Second
)

// load begins sagas and watches their outcomes.
type load struct {
	spec    spec
	worker  *worker
	book    *book
	starter starter

	shut chan struct{} // closed when what is measured has ended

	mu     sync.Mutex
	number int   // of the latest saga
	err    error // the first of a start
	broken context.CancelFunc
}

func runLoad(ctx context.Context, s spec, w *worker) error {
	l := &load{spec: s, worker: w, book: newBook(s), shut: make(chan struct{})}
	l.book.onOpen = func() { w.tell(message{Event: eventOpen}) }
	l.book.onShut = func() { w.tell(message{Event: eventShut}); close(l.shut) }
	reader, err := readOutcomes(ctx, s, l.book)
	if err != nil {
		return err
	}
	defer reader.close()
	if l.starter, err = newStarter(s); err != nil {
		return err
	}
	defer l.starter.Close()
	w.tell(message{Event: eventReady})

	ctx, l.broken = context.WithCancel(ctx)
	defer l.broken()
	stopTelling := l.tellProgress()
	if s.Rate > 0 {
		l.openLoop(ctx)
	} else {
		l.closedLoop(ctx)
	}
	l.drain(ctx)
	stopTelling()
	if err := l.failure(ctx); err != nil {
		return err
	}
	w.tell(message{Event: eventDrained})
	return l.finish(ctx, reader)
}

// closedLoop keeps a number of sagas under way until enough have been measured, or none ends any more.
func (l *load) closedLoop(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var slots sync.WaitGroup
	for range l.spec.Outstanding {
		slots.Go(func() {
			for ctx.Err() == nil {
				saga := l.begin(ctx, false)
				if saga == nil {
					return
				}
				select {
				case <-saga.done:
				case <-ctx.Done():
				}
			}
		})
	}
	l.await(ctx, func() bool { return isClosed(l.shut) })
	stop()
	slots.Wait()
}

// warmSagas are those of a closed loop before it is measured: every place is taken a few times, and groups have settled.
func (s spec) warmSagas() int { return s.Sagas/5 + 2*s.Outstanding }

// allSagas is about how many a turn begins.
func (s spec) allSagas() int {
	if s.Rate > 0 {
		return int(float64(s.Rate) * (openWarmUp + s.Duration).Seconds())
	}
	return s.warmSagas() + s.Sagas
}

// openLoop begins sagas at random moments, whether or not earlier ones have ended. The moments are the same for all contestants of a
// round, as the seed is.
func (l *load) openLoop(ctx context.Context) {
	random := rand.New(rand.NewPCG(l.spec.Seed, 0)) //nolint:gosec // load is to be repeatable
	var starts sync.WaitGroup
	defer starts.Wait()
	measured, began := false, time.Now()
	next := began
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		elapsed := time.Since(began)
		if !measured && elapsed >= openWarmUp {
			measured = true
			l.book.openUp()
		}
		if elapsed >= openWarmUp+l.spec.Duration {
			l.book.shutDown()
			return
		}
		starts.Go(func() { l.begin(ctx, measured) })
		next = next.Add(time.Duration(random.ExpFloat64() / float64(l.spec.Rate) * float64(time.Second)))
		timer.Reset(time.Until(next))
	}
}

// begin starts one saga. It gives nil when that failed.
func (l *load) begin(ctx context.Context, measured bool) *entry {
	l.mu.Lock()
	l.number++
	n := l.number
	l.mu.Unlock()
	// A start that was published must be known, or its outcome would be a stray: it isn't cut short when the measuring ends.
	publish, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
	defer cancel()
	at := time.Now()
	id, err := l.starter.Start(publish, someUser(n))
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.err == nil {
			l.err = fmt.Errorf("start a saga: %w", err)
		}
		l.broken()
		return nil
	}
	return l.book.begin(id, at, measured)
}

func (l *load) failure(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	return ctx.Err()
}

// drain waits for the sagas that are still under way; those that don't end are lost.
func (l *load) drain(ctx context.Context) {
	l.await(ctx, func() bool {
		started, ended, _ := l.book.count()
		return started == ended
	})
}

// await polls for a condition, as long as sagas end.
func (l *load) await(ctx context.Context, condition func() bool) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		_, _, latest := l.book.count()
		if time.Since(latest) > l.spec.Patience && time.Since(began) > l.spec.Patience {
			return
		}
	}
}

// finish waits for the word that no service runs any more, and reads what is left.
func (l *load) finish(ctx context.Context, reader *outcomes) error {
	select {
	case o := <-l.worker.orders:
		if o != orderFinish {
			return fmt.Errorf("unexpected order %q", o)
		}
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := reader.toEnd(ctx); err != nil {
		return err
	}
	l.worker.tell(message{Event: eventResult, Result: l.book.result()})
	<-ctx.Done() // the parent has read the result
	return nil
}

// tellProgress tells how far it is until the function that it gives is called.
func (l *load) tellProgress() (stop func()) {
	of := l.spec.allSagas()
	end := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, ended, _ := l.book.count()
				l.worker.tell(message{Event: eventProgress, Ended: ended, Of: of})
			case <-end:
				return
			}
		}
	})
	return func() { close(end); wait.Wait() }
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
