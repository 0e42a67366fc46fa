//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/skald-saga/skald/internal/console/live"
	"github.com/skald-saga/skald/internal/console/problem"
)

// streamBatch is how many sagas one update brings at most. What has changed beside them comes with the next: a client falls behind before
// anything is left out.
const streamBatch = 500

// dearer is how many events that all followers share cost as much as one that is looked up and written for one of them.
const dearer = 10

const streamDoc = `Server-Sent Events. An event ` + "`saga`" + ` carries a saga as it is now (without payloads), its id is the
saga's seq. It comes at least once for every saga that changed; changes of one saga between two updates, at most ten a second,
are joined into one, and the event ` + "`joined`" + ` says how many positions of the stream went into how many sagas. An update
brings 500 sagas at most. From 20 clients on updates come less often, 200 a second for all together, and from 10 on they bring fewer
sagas, 50,000 a second for all together, and a tenth of that to those who resume from long ago: a client falls behind rather than miss
anything. To resume
where a connection was lost, send the last id as Last-Event-ID (browsers do), or as since. A position that this Skald hasn't
reached yet is one of a former life: the stream then begins at the beginning. Comments come every 15 seconds.`

type streamInput struct {
	LastEventID string `header:"Last-Event-ID" doc:"The last id seen"`
	Since       string `query:"since" doc:"Where to begin if there is no Last-Event-ID: 0 is the beginning, the default is now"`
	Workflow    string `query:"workflow" doc:"Only sagas of this workflow"`
}

// Joined says how many positions of the stream, each a change, went into how many events.
type Joined struct {
	Positions int64 `json:"positions"`
	Sagas     int   `json:"sagas"`
}

func (a *API) registerStream(api huma.API) {
	saga := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Saga](), true, "")
	handle(a, api, huma.Operation{
		OperationID: "stream", Method: http.MethodGet, Path: "/api/v1/stream", Tags: []string{"Sagas"},
		Summary: "Follow sagas live", Description: streamDoc,
		Errors: []int{http.StatusServiceUnavailable},
		Responses: map[string]*huma.Response{"200": {
			Description: "The data of the events named saga",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: saga}},
		}},
	}, a.stream)
}

func (a *API) stream(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
	since, err := a.streamPosition(ctx, in)
	if err != nil {
		return nil, err
	}
	ctx, leave, err := a.streams.Enter(ctx)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer leave()
		_, w := humago.Unwrap(hc)
		follower := &follower{a: a, out: live.NewWriter(w), since: since, workflow: in.Workflow,
			counting: in.LastEventID == "" && in.Since == ""}
		if err := follower.run(ctx); err != nil && ctx.Err() == nil {
			a.b.Logger.Debug("a live stream ended", "error", err)
		}
	}}, nil
}

func (a *API) streamPosition(ctx context.Context, in *streamInput) (int64, error) {
	now, changed := a.b.Tracker.Changed()
	text, where := in.LastEventID, "header.Last-Event-ID"
	if text == "" {
		text, where = in.Since, "query.since"
	}
	if text == "" {
		return now, nil
	}
	since, err := strconv.ParseInt(text, 10, 64)
	if err != nil || since < 0 {
		return 0, &problem.Field{Location: where, Message: "a position is expected: the id of an event of this stream, or 0"}
	}
	if since > now {
		// A change is told of a moment after it can be read: a client that has read it and comes back at once is ahead.
		select {
		case <-changed:
		case <-time.After(live.Tick):
		case <-ctx.Done():
		}
		if now, _ = a.b.Tracker.Changed(); since > now {
			return 0, nil
		}
	}
	return since, nil
}

// follower is one client of the API's stream.
type follower struct {
	a        *API
	out      *live.Writer
	since    int64
	workflow string
	counting bool // whether since is a position of this life
}

func (f *follower) run(ctx context.Context) error {
	beat := time.NewTicker(live.Heartbeat)
	defer beat.Stop()
	pace := f.a.streams.Pace()
	defer f.a.feed.join()()
	f.out.Comment() // the client learns at once that it is connected
	for pace.Wait(ctx) {
		// The signal is taken before the question: a change in between ends the wait below at once.
		seq, changed := f.a.b.Tracker.Changed()
		more, err := f.batch(ctx, seq)
		if err != nil {
			return err
		}
		if err := f.out.Flush(); err != nil {
			return err
		}
		if more {
			continue
		}
		select {
		case <-changed:
		case <-beat.C:
			f.out.Comment()
		case <-ctx.Done():
		}
	}
	return nil
}

// batch writes what has changed up to now. more says that there is more than one update brings.
func (f *follower) batch(ctx context.Context, seq int64) (more bool, err error) {
	share := f.a.streams.Share()
	sagas, upTo, more, err := f.a.feed.after(ctx, f.since, seq, f.workflow, min(streamBatch, share), max(1, share/dearer))
	if err != nil {
		return false, err
	}
	from := f.since
	f.since = upTo
	if len(sagas) == 0 {
		return more, nil
	}
	if !f.counting {
		// Positions don't begin at 0, and jump when the store is rebuilt: what lies before the first saga is no count.
		from, f.counting = sagas[0].seq-1, true
	}
	for _, e := range sagas {
		f.out.Add(e.text)
	}
	// With a filter, the positions in between are other workflows' too, and say nothing about joining.
	if positions := f.since - from; f.workflow == "" && positions > int64(len(sagas)) {
		return more, f.out.Event("joined", "", Joined{positions, len(sagas)})
	}
	return more, nil
}
