package engine

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// batch is what one transaction is made of: what the machine decided, and the positions and records that go with it.
type batch struct {
	*saga.Batch
	s   *Session
	now time.Time

	polled     map[int32]map[string]int64
	passedOver []*kgo.ErrDecompressTooLarge
	changes    []changeOf
	faults     []fault
	committed  []func()
}

// newBatch makes a batch for so many polled records.
func (s *Session) newBatch(now time.Time, records int) *batch {
	return &batch{Batch: s.machine.NewBatch(driver{s}, now, records), s: s, now: now, polled: map[int32]map[string]int64{}}
}

// addAll takes the polled records of a partition in.
func (b *batch) addAll(records []*kgo.Record, topicID [16]byte) {
	if len(records) == 0 {
		return
	}
	var in saga.Incoming
	for _, r := range records {
		b.s.incoming(&in, r, topicID)
		b.Add(&in)
	}
	last := records[len(records)-1]
	p := b.polled[last.Partition]
	if p == nil {
		p = map[string]int64{}
		b.polled[last.Partition] = p
	}
	p[last.Topic] = last.Offset + 1
}

// onCommit keeps something to be told or counted for when it has really happened.
func (b *batch) onCommit(f func()) { b.committed = append(b.committed, f) }

// collect starts what may start and waits until all is done, but no longer than the hold time.
func (b *batch) collect() {
	b.Begin()
	hold := time.NewTimer(b.s.cfg.Hold)
	defer hold.Stop()
	defer b.s.executions.ringAfter(1)
	for {
		b.takeFinished()
		if b.Open == 0 {
			return
		}
		if b.Waiting == 0 {
			b.s.executions.ringAfter(b.Open)
		}
		select {
		case <-b.s.executions.bell:
		case <-hold.C:
			b.takeFinished() // those too few to ring the bell: a slow handler must not have the others parked with it
			return
		}
	}
}

func (b *batch) takeFinished() {
	for _, e := range b.s.executions.take() {
		b.Finished(&e.Execution)
	}
}

// settle parks what hasn't finished, obeys commands, and does what time has brought.
func (b *batch) settle() {
	for _, e := range b.s.executions.hanging(b.now, b.s.cfg.HangGrace) {
		b.Hang(&e.Execution)
	}
	b.Settle()
	for partition, l := range b.s.ledgers {
		b.Tick(partition, l)
	}
	for _, o := range b.Outages {
		if o.Err != nil {
			b.s.logger.Error("what a step needs is not there: its events wait, and one at a time is tried", "step", o.Step.Topic, "error", o.Err)
		} else {
			b.s.logger.Info("what a step needs is there again", "step", o.Step.Topic, "away for", b.now.Sub(o.Since).Round(time.Millisecond))
		}
	}
}

// tell counts and logs what the batch has done, now that it is committed.
func (b *batch) tell() {
	m, log := b.s.metrics, b.s.logger
	m.parked.Add(float64(b.Parked))
	m.records.passed.Add(float64(b.Passed))
	for i := range b.Outs {
		o := &b.Outs[i]
		switch o.Kind {
		case saga.Emit:
			if o.Outcome != "" {
				m.outcomes.WithLabelValues(o.Event.Workflow, o.Outcome).Inc()
			}
		case saga.Forward:
			m.records.forwarded.Inc()
		case saga.Note:
			if o.Note.Answer == "" {
				m.records.ignored.Inc()
			}
			log.Debug("noted", "saga", o.Note.Saga, "id", o.Note.ID, "answer", o.Note.Answer, "reason", o.Note.Reason)
		case saga.Letter:
			if o.Item != nil {
				b.tellLetter(o)
			}
		}
	}
	for _, it := range b.Blocked {
		m.blocked.WithLabelValues(it.Topic).Inc()
		log.Error("an undo is blocked: a person has to decide", "step", it.Topic, "saga", it.Event.SagaID, "reason", it.Entry.Error)
	}
	for _, f := range b.committed {
		f()
	}
}

func (b *batch) tellLetter(o *saga.Out) {
	it := o.Item
	step := it.Topic
	if it.Step == nil && it.Entry == nil {
		step = "" // a foreign word: labels must not grow with what others write
	}
	b.s.metrics.letters.WithLabelValues(step, o.Failure.Class).Inc()
	r := b.s.whole(it)
	b.s.logger.Warn("event became a dead letter", "topic", r.Topic, "partition", r.Partition,
		"offset", r.Offset, "step", it.Topic, "saga", it.Event.SagaID, "class", o.Failure.Class, "error", o.Failure.Error())
}

// letter is the dead letter that an Out stands for.
func (b *batch) letter(o *saga.Out) *wire.Letter {
	return &wire.Letter{
		ID: o.ID, Event: o.Item.ID, Service: b.s.service.Name, Step: o.Item.Topic, Record: *b.s.whole(o.Item), Attempts: o.Attempts,
		Class: o.Failure.Class, Error: o.Failure.Error(), Stack: o.Failure.Stack, Time: b.now, Halted: o.Halted, Bound: b.s.letterBound,
	}
}
