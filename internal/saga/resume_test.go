package saga

import (
	"errors"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/ledger"
	"github.com/skald-saga/skald/internal/wire"
)

// onePartition is a driver whose handlers never run: they have run, or not.
type onePartition struct {
	l   *ledger.Ledger
	ran *Execution
}

func (d *onePartition) Find(Key) *Execution         { return d.ran }
func (d *onePartition) Places(*Step) int            { return 1 }
func (d *onePartition) Forget(*Execution)           {}
func (d *onePartition) Abandon(*Execution)          {}
func (d *onePartition) Encode(*Out) int             { return 1 }
func (d *onePartition) Ledger(int32) *ledger.Ledger { return d.l }
func (d *onePartition) Start(it *Item, attempt int, now time.Time) *Execution {
	return &Execution{Item: it, Key: it.Key, Step: it.Step, Attempt: attempt, Started: now}
}

// What a handler returned in this process before another had the partition, and failed twice, is the third attempt.
func TestWhatWasReturnedBeforeOthersFailedIsTheNextAttempt(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, returned := range []error{nil, errors.New("no")} {
		step := &Step{Step: wire.Step{Topic: "in"}, Concurrency: 1, Retry: Policy{Attempts: 9, First: time.Second, Max: time.Second}}
		m := NewMachine("s", map[string]*Step{"in": step})
		m.MaxEvent, m.Chance = 1000, func() float64 { return 1 }
		d := &onePartition{l: ledger.New(time.Hour, 10)}
		it := &Item{Event: &wire.Event{ID: "e", SagaID: "s"}, Topic: "in", Step: step, Key: Key{0, "in", "e"}, ID: "e", Lane: "s"}
		d.l.Park(ledger.Entry{ID: "e", Lane: "s", Saga: ledger.SagaID{1}, Step: "in", Accepted: now, Attempt: 2, Due: now, Data: it}, false)
		d.l.Commit([]int64{0})
		d.ran = &Execution{Item: it, Key: it.Key, Step: step, Attempt: 1, Started: now.Add(-time.Hour), Done: true, Err: returned}
		if returned == nil {
			d.ran.Outputs = []Output{{Topic: "out"}}
		}
		b := m.NewBatch(d, now, 1)
		b.Resume(d.l, 10)
		switch entry := d.l.Entry("e"); {
		case returned == nil && (len(b.Outs) != 1 || b.Outs[0].Event.Attempt != 3 || entry != nil):
			t.Errorf("a result: %d events, entry %+v", len(b.Outs), entry)
		case returned != nil && (entry == nil || entry.Attempt != 3 || !entry.Due.Equal(now.Add(time.Second))):
			t.Errorf("a failure: entry %+v", entry)
		}
	}
}
