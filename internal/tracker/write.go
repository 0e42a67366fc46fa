package tracker

import (
	"context"
	"time"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/tracker/traffic"
)

// write puts batches into the store, each in one transaction with the positions that it brings the reading to.
func (f *follower) write(ctx context.Context, batches <-chan *batch) error {
	for {
		select {
		case b := <-batches:
			if err := f.put(ctx, b); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (f *follower) put(ctx context.Context, b *batch) error {
	began := time.Now()
	news := f.news(b)
	changed, book := 0, f.traffic.Load()
	var rows []traffic.Row
	seq, err := f.cfg.Store.Update(ctx, func(tx *store.Tx) (err error) {
		flows := book.Change()
		if changed, err = putSagas(tx, b.told, flows); err != nil {
			return err
		}
		for i := range b.aside {
			flows.Add(&b.aside[i], 1)
		}
		rows = flows.Rows(began)
		if err := saveTraffic(tx, rows); err != nil {
			return err
		}
		if err := tx.SaveLetters(nil, b.loose); err != nil {
			return err
		}
		if err := tx.SaveInstances(news); err != nil {
			return err
		}
		return tx.SavePositions(f.positionsOf(b))
	})
	if err != nil {
		return err
	}
	book.Put(rows)
	f.metrics.commits.Observe(time.Since(began).Seconds())
	f.metrics.records.Add(float64(b.records))
	for why, n := range b.skipped {
		f.metrics.skipped.WithLabelValues(string(why)).Add(float64(n))
	}
	f.committed(b, seq, changed+len(b.loose) > 0)
	return nil
}

// committed makes known what was written.
func (f *follower) committed(b *batch, seq int64, changed bool) {
	f.lag.readTo(b.next)
	f.lag.readData(b.data)
	for _, a := range b.announced {
		changed = f.heard(a) || changed
	}
	if changed {
		f.announce(seq)
	}
}

// heard takes an announcement into the registry, and says whether anything has changed by it.
func (f *follower) heard(a announced) (changed bool) {
	if !f.registry.add(a.Announcement, a.encoded, time.Now()) {
		return false
	}
	select {
	case f.declared <- struct{}{}:
	default:
	}
	return true
}

// putSagas merges facts into the sagas that they are about, and says how many of these have changed.
// What their changes change in the traffic goes to flows.
func putSagas(tx *store.Tx, all []told, flows *traffic.Change) (changed int, err error) {
	sagas, err := loadSagas(tx, all)
	if err != nil {
		return 0, err
	}
	var save []*store.Saga
	for i := range all {
		saga := sagas[all[i].saga]
		if saga.state.merge(&all[i].fact) {
			saga.changed = true
		}
		if saga.changed && !saga.saved {
			saga.saved = true
			save = append(save, saga.row)
		}
	}
	for _, row := range save {
		sagas[row.ID].settle()
		flows.Replace(sagas[row.ID].flows, sagas[row.ID].state.flows())
	}
	if err := tx.Save(save); err != nil {
		return 0, err
	}
	for _, row := range save {
		if letters := sagas[row.ID].state.letterRows(); len(letters) > 0 {
			if err := tx.SaveLetters(row, letters); err != nil {
				return 0, err
			}
		}
	}
	for i := range all {
		if all[i].keep {
			if err := tx.Append(sagas[all[i].saga].row, all[i].record); err != nil {
				return 0, err
			}
		}
	}
	return len(save), nil
}

// projected is a saga while a batch is merged into it.
type projected struct {
	row     *store.Saga
	state   *state
	flows   []traffic.Flow // before the batch
	changed bool           // also: it's new
	saved   bool
}

func loadSagas(tx *store.Tx, all []told) (map[store.SagaID]*projected, error) {
	sagas := make(map[store.SagaID]*projected, len(all))
	var ids []store.SagaID
	for i := range all {
		if id := all[i].saga; sagas[id] == nil {
			sagas[id] = &projected{}
			ids = append(ids, id)
		}
	}
	rows, err := tx.Load(ids)
	if err != nil {
		return nil, err
	}
	for id, saga := range sagas {
		if saga.row = rows[id]; saga.row == nil {
			saga.row, saga.state, saga.changed = &store.Saga{ID: id}, &state{}, true
			continue
		}
		if saga.state, err = decodeState(saga.row.State); err != nil {
			return nil, err
		}
		saga.flows = saga.state.flows()
	}
	return sagas, nil
}

// settle writes a saga's state into its row, with the columns that follow from it.
func (p *projected) settle() {
	s := p.state
	p.row.Group = store.Group{Workflow: s.Workflow.Value}
	p.row.Subject, p.row.Started, p.row.Ended, p.row.Due, p.row.State = s.Subject.Value, s.Started.Time, 0, 0, s.encode()
	switch {
	case s.Outcome.Outcome != "":
		p.row.Ended = max(1, s.Outcome.Ended) // one whose end has no time counts as the oldest
		if s.known() {
			p.row.Status = s.Outcome.Outcome
		}
	case s.known():
		steps := s.timeline()
		p.row.Status, _ = s.status(steps)
		if p.row.Overdue = s.Overdue; !s.Overdue {
			p.row.Due = s.Deadline
		}
		if current := currentOf(steps); current != nil {
			p.row.Service, p.row.Topic = current.taker(), current.topic()
		}
	}
}

// news gives the announcements of a batch that are newer than what is known, one per instance.
func (f *follower) news(b *batch) []store.Instance {
	newest := newRegistry()
	for _, a := range b.announced {
		if f.registry.newer(a.Announcement, a.encoded) {
			newest.add(a.Announcement, a.encoded, a.Time)
		}
	}
	news := make([]store.Instance, 0, len(newest.instances))
	for key, i := range newest.instances {
		news = append(news, store.Instance{Service: key[0], Instance: key[1], Announced: nanos(i.Time), Announcement: i.encoded})
	}
	return news
}

func (f *follower) positionsOf(b *batch) []store.Position {
	positions := make([]store.Position, 0, len(b.next))
	for p, next := range b.next {
		if t, ok := f.topics.get(p.topic); ok {
			positions = append(positions, store.Position{Topic: t.Topic, Partition: p.id, Next: next, Data: b.data[p]})
		}
	}
	return positions
}
