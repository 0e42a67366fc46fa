package api

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"sync"

	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/live"
	"github.com/skald-saga/skald/internal/tracker"
)

// feedBytes bounds the events that are kept for all followers. Whoever is further behind has the store asked for them alone.
const feedBytes = 8 << 20

// feed is what the followers of the stream share: each change is looked up and written as JSON once, however many follow. It is safe for
// concurrent use.
type feed struct {
	tracker backend.Tracker
	most    int // bytes of the events that are kept

	mu        sync.Mutex
	followers int
	from, to  int64            // what has changed after from, and up to to, is kept
	kept      []event          // by position
	latest    map[string]int64 // position of the newest event of each saga that is kept
	bytes     int
}

// event is a saga as it was at a position.
type event struct {
	seq            int64
	saga, workflow string
	text           []byte
}

func newFeed(t backend.Tracker) *feed {
	return &feed{tracker: t, most: feedBytes, latest: map[string]int64{}}
}

// join counts a follower in, until leave is called.
func (f *feed) join() (leave func()) {
	add := func(n int) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.followers += n
	}
	add(1)
	return func() { add(-1) }
}

// after gives the sagas that have changed since a position, most at a time, and the position up to which these are all: no further than
// now. more says that there may be others before now. Those that only this follower needs are the dearer ones: of them it gives no more
// than alone.
func (f *feed) after(ctx context.Context, since, now int64, workflow string, most, alone int) (events []event, upTo int64, more bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since > f.to && (f.followers <= 1 || f.to == 0) { // nobody else needs what is kept
		f.empty(since)
	}
	if since == f.to {
		if err := f.fill(ctx, now); err != nil {
			return nil, since, false, err
		}
	}
	if since < f.from || since > f.to {
		f.mu.Unlock()
		defer f.mu.Lock()
		return f.ask(ctx, since, now, workflow, min(most, alone))
	}
	// A follower of one workflow passes over no more than others get: else it would run ahead of them, and have them fall out.
	looked := 0
	for at := sort.Search(len(f.kept), func(i int) bool { return f.kept[i].seq > since }); at < len(f.kept); at++ {
		e := f.kept[at]
		if f.latest[e.saga] == e.seq { // else it comes later, in its newest state
			if looked == most {
				return events, since, true, nil
			}
			looked++
			if workflow == "" || e.workflow == workflow {
				events = append(events, e)
			}
		}
		since = e.seq
	}
	return events, f.to, f.to < now, nil
}

// ask looks for one follower.
func (f *feed) ask(ctx context.Context, since, now int64, workflow string, most int) (events []event, upTo int64, more bool, err error) {
	sagas, err := f.tracker.ChangedSince(ctx, since, workflow, most)
	if err != nil {
		return nil, since, false, err
	}
	if events, err = written(sagas); err != nil {
		return nil, since, false, err
	}
	if len(sagas) == most {
		return events, sagas[most-1].Seq, true, nil
	}
	if len(sagas) > 0 {
		since = sagas[len(sagas)-1].Seq
	}
	return events, max(since, now), false, nil
}

// fill reads on from where the feed ends.
func (f *feed) fill(ctx context.Context, now int64) error {
	sagas, err := f.tracker.ChangedSince(ctx, f.to, "", streamBatch)
	if err != nil {
		return err
	}
	events, err := written(sagas)
	if err != nil {
		return err
	}
	for _, e := range events {
		f.kept = append(f.kept, e)
		f.latest[e.saga] = e.seq
		f.to = e.seq
		f.bytes += len(e.text)
	}
	if len(events) < streamBatch {
		f.to = max(f.to, now) // the registry's changes have positions, too
	}
	drop := 0
	for ; f.bytes > f.most; drop++ {
		e := f.kept[drop]
		f.from = e.seq
		f.bytes -= len(e.text)
		if f.latest[e.saga] == e.seq {
			delete(f.latest, e.saga)
		}
	}
	f.kept = slices.Delete(f.kept, 0, drop)
	return nil
}

func (f *feed) empty(at int64) {
	f.from, f.to, f.bytes = at, at, 0
	clear(f.kept)
	f.kept = f.kept[:0]
	clear(f.latest)
}

func written(sagas []tracker.Saga) ([]event, error) {
	events := make([]event, len(sagas))
	for i, s := range sagas {
		text, err := live.Event("saga", strconv.FormatInt(s.Seq, 10), apiSaga(s, false))
		if err != nil {
			return nil, err
		}
		events[i] = event{s.Seq, s.ID, s.Workflow, text}
	}
	return events, nil
}
