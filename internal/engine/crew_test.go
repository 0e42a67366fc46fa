package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// However many handlers wait for something, the next gets its goroutine.
func TestCrewGrowsWithHandlersThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 3*helpers + 7
		open := make(chan struct{})
		var running, most atomic.Int32
		c := newCrew(func(*execution) {
			most.Store(max(most.Load(), running.Add(1)))
			<-open
			running.Add(-1)
		})
		for range calls {
			c.run(&execution{})
		}
		time.Sleep(10 * helpAfter)
		synctest.Wait()
		if got := running.Load(); got != calls {
			t.Errorf("%d of %d handlers run", got, calls)
		}
		close(open)
		<-c.dismiss()
	})
}

// Quick handlers are called by few goroutines, and each is called.
func TestCrewIsSmallForQuickHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		called := map[*execution]int{}
		c := newCrew(func(e *execution) {
			mu.Lock()
			defer mu.Unlock()
			called[e]++
		})
		for range 10 {
			for range 100 {
				c.run(&execution{})
			}
			synctest.Wait()
			c.mu.Lock()
			if c.workers != c.idle {
				t.Errorf("%d goroutines, %d of them idle, and nothing to do", c.workers, c.idle)
			}
			c.mu.Unlock()
		}
		<-c.dismiss()
		if len(called) != 1000 {
			t.Errorf("%d of 1000 were called", len(called))
		}
		for _, n := range called {
			if n != 1 {
				t.Fatalf("one was called %d times", n)
			}
		}
	})
}

// A long queue that moves needs no more goroutines than processors.
func TestCrewHiresNobodyForALongQueueOfQuickCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrew(func(*execution) { time.Sleep(helpAfter / (2 * quickCalls)) })
		for range 100 * quickCalls {
			c.run(&execution{})
		}
		most := 0
		for busy := true; busy; time.Sleep(helpAfter) {
			c.mu.Lock()
			most, busy = max(most, c.workers), c.front < len(c.queue)
			c.mu.Unlock()
		}
		if most > runtime.GOMAXPROCS(0) {
			t.Errorf("%d goroutines for %d processors", most, runtime.GOMAXPROCS(0))
		}
		<-c.dismiss()
	})
}
