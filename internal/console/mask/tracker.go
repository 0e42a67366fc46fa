package mask

import (
	"context"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/tracker"
)

// Tracker tells what another tells, masked: so no page and no part of the API can forget to.
func (r *Rules) Tracker(of backend.Tracker) backend.Tracker {
	if r == nil {
		return of
	}
	return &masked{Tracker: of, rules: r}
}

type masked struct {
	backend.Tracker

	rules *Rules
}

func (m *masked) sagas(all []tracker.Saga) []tracker.Saga {
	for i := range all {
		all[i] = m.rules.Saga(all[i])
	}
	return all
}

func (m *masked) Saga(ctx context.Context, id string) (tracker.Saga, error) {
	s, err := m.Tracker.Saga(ctx, id)
	return m.rules.Saga(s), err
}

func (m *masked) Sagas(ctx context.Context, q tracker.Query) (tracker.Page, error) {
	page, err := m.Tracker.Sagas(ctx, q)
	page.Sagas = m.sagas(page.Sagas)
	return page, err
}

func (m *masked) ChangedSince(ctx context.Context, seq int64, workflow string, limit int) ([]tracker.Saga, error) {
	all, err := m.Tracker.ChangedSince(ctx, seq, workflow, limit)
	return m.sagas(all), err
}

func (m *masked) Among(ctx context.Context, ids []string) ([]tracker.Saga, error) {
	all, err := m.Tracker.Among(ctx, ids)
	return m.sagas(all), err
}

func (m *masked) Each(ctx context.Context, q tracker.Query, upTo int64, yield func(tracker.Saga) bool) error {
	return m.Tracker.Each(ctx, q, upTo, func(s tracker.Saga) bool { return yield(m.rules.Saga(s)) })
}

func (m *masked) EventsUpTo(ctx context.Context, id string, most int) ([]tracker.Event, error) {
	all, err := m.Tracker.EventsUpTo(ctx, id, most)
	for i := range all {
		all[i] = m.rules.Event(all[i])
	}
	return all, err
}

func (m *masked) Event(ctx context.Context, id, topic string, partition int32, offset int64) (tracker.Event, error) {
	e, err := m.Tracker.Event(ctx, id, topic, partition, offset)
	return m.rules.Event(e), err
}
