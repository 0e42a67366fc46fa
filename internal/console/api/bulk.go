//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/filter"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	bulkAtOnce  = 1000   // sagas that one request asks for
	bulkLooked  = 10_000 // sagas that one request looks at
	bulkChunk   = 100    // that are asked for together
	bulkTimeout = 30 * time.Second

	bulkRefusals = 10 // that are told
)

const bulkDoc = `Sagas are named by their IDs; or by a filter, and a position of the live stream: those that match now and had begun by then, the oldest first.
Of these the ones are left out for which it is too late, or for which there is nothing to do. One request asks for at most 1,000, and looks at
no more than 10,000: if the answer has a next, repeat the request with it as cursor. With dry_run nothing is asked for, only counted.

What becomes of each is seen in the saga itself. Asking twice does no harm: the second time it is left out, or refused.`

func (a *API) registerBulk(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "bulk-sagas", Method: http.MethodPost, Path: "/api/v1/sagas/bulk", Tags: []string{"Sagas"},
		Summary: "Cancel many sagas, or redrive the dead letters that halt them", Description: bulkDoc,
		Errors: []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable},
	}, a.bulk)
}

type bulkInput struct {
	Body struct {
		Why
		Action   string        `json:"action" enum:"cancel,redrive" doc:"cancel needs a reason"`
		IDs      []string      `json:"ids,omitempty" maxItems:"1000" doc:"The sagas; or else filter"`
		Filter   *filter.Sagas `json:"filter,omitempty" doc:"Which sagas; an empty one means all"`
		Position int64         `json:"position,omitempty" minimum:"0" doc:"With filter: only sagas that had begun by this position of the live stream; the default is now"`
		Cursor   string        `json:"cursor,omitempty" doc:"The next of the answer before"`
		DryRun   bool          `json:"dry_run,omitempty" doc:"Only count"`
	}
}

// Bulk says what came of asking for the same of many sagas.
type Bulk struct {
	Selected   int      `json:"selected" doc:"Sagas that were looked at"`
	LeftOut    int      `json:"left_out" doc:"Of these, those for which it is too late, or for which there is nothing to do; and IDs that no saga has"`
	Wanted     int      `json:"wanted" doc:"The rest: to be asked for"`
	AtLeast    bool     `json:"at_least,omitempty" doc:"Of a dry run: there are more than one request looks at"`
	Requested  int      `json:"requested" doc:"How many were asked for: the sum of the three below"`
	Accepted   int      `json:"accepted"`
	Refused    int      `json:"refused"`
	Unanswered int      `json:"unanswered" doc:"Their service hasn't answered yet, and does it as soon as it runs"`
	Refusals   []string `json:"refusals" nullable:"false" doc:"Why, at most ten"`
	Position   int64    `json:"position,omitempty" doc:"With a filter: the position that sagas had begun by. Give it to the requests that follow, so that they mean the same"`
	Next       string   `json:"next,omitempty" doc:"There are more: the cursor of the next request"`
}

type bulkOutput struct{ Body Bulk }

func (a *API) bulk(ctx context.Context, in *bulkInput) (*bulkOutput, error) {
	why := Why{in.Body.Reason, by(ctx, in.Body.By)}
	b := &bulk{a: a, why: why, dry: in.Body.DryRun, redrive: in.Body.Action == "redrive", out: Bulk{Refusals: []string{}}}
	walk, err := b.walk(in)
	if err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, bulkTimeout)
	defer cancel()
	if err := b.run(asking, walk); err != nil {
		return nil, err
	}
	if !b.dry {
		a.b.Logger.Info("many sagas were asked for", "action", in.Body.Action, "by", why.By, "requested", b.out.Requested, "accepted", b.out.Accepted, "refused", b.out.Refused)
	}
	return &bulkOutput{b.out}, nil
}

// walk checks the request and says how to go through the sagas that it means.
func (b *bulk) walk(in *bulkInput) (func(context.Context, func(tracker.Saga) bool) error, error) {
	body := &in.Body
	switch {
	case (len(body.IDs) > 0) == (body.Filter != nil):
		return nil, &problem.Field{Location: "body", Message: "say which sagas: either ids, or filter"}
	case len(body.IDs) > 0 && body.Cursor != "":
		return nil, &problem.Field{Location: "body.cursor", Message: "goes with filter alone"}
	case !b.redrive && !b.dry && body.Reason == "":
		return nil, &problem.Field{Location: "body.reason", Message: "say why: it is kept with each saga"}
	case len(body.IDs) > 0:
		return b.named(body.IDs), nil
	}
	q, err := body.Filter.Query(time.Now())
	if err != nil {
		return nil, inFilter(err)
	}
	at, err := parseBulkPlace(body.Cursor)
	if err != nil {
		return nil, err
	}
	position := body.Position
	if position == 0 {
		position, _ = b.a.b.Tracker.Changed()
	}
	b.filtered, b.out.Position = true, position
	return func(ctx context.Context, yield func(tracker.Saga) bool) error {
		return inFilter(at.each(ctx, b.a.b.Tracker, q, position, yield))
	}, nil
}

func (b *bulk) named(ids []string) func(context.Context, func(tracker.Saga) bool) error {
	return func(ctx context.Context, yield func(tracker.Saga) bool) error {
		sagas, err := b.a.b.Tracker.Among(ctx, ids)
		if problem.Is[*tracker.QueryError](err) {
			return &problem.Field{Location: "body.ids", Message: "must be IDs of sagas, 1,000 at most"}
		}
		missing := len(ids) - len(sagas)
		b.out.Selected, b.out.LeftOut = missing, missing
		for _, s := range sagas {
			if !yield(s) {
				break
			}
		}
		return err
	}
}

// inFilter says where in the body a field of a query is.
func inFilter(err error) error {
	if field, ok := asQuery(err); ok {
		return field
	}
	return err
}

// bulk is one request that is carried out.
type bulk struct {
	a        *API
	why      Why
	dry      bool
	redrive  bool
	filtered bool
	out      Bulk

	requests []skald.Request // to be sent together
	seen     bulkPlace       // the last saga that was looked at
	done     bulkPlace       // up to here everything was asked for
	failed   error
}

func (b *bulk) run(ctx context.Context, walk func(context.Context, func(tracker.Saga) bool) error) error {
	stopped := false
	err := walk(ctx, func(s tracker.Saga) bool {
		b.seen = placeOf(&s)
		b.out.Selected++
		b.take(ctx, &s)
		stopped = b.failed != nil || b.out.Wanted >= bulkAtOnce && !b.dry || b.out.Selected >= bulkLooked
		return !stopped
	})
	if err != nil {
		return err
	}
	if b.failed == nil {
		b.flush(ctx)
	}
	switch {
	case b.failed != nil && b.out.Requested == 0:
		return &problem.Unasked{Err: b.failed}
	case b.dry:
		b.out.AtLeast = stopped
	case b.filtered && (stopped || b.failed != nil):
		b.out.Next = b.done.String()
	}
	return nil
}

// take asks for one saga, or leaves it out.
func (b *bulk) take(ctx context.Context, s *tracker.Saga) {
	wanted := filter.Cancellable(s)
	if b.redrive {
		wanted = filter.Redrivable(s)
	}
	if !wanted {
		b.out.LeftOut++
		return
	}
	b.out.Wanted++
	if b.dry {
		return
	}
	request, err := b.request(ctx, s)
	if err != nil {
		b.refuse(err.Error())
		return
	}
	if b.requests = append(b.requests, request); len(b.requests) == bulkChunk {
		b.flush(ctx)
	}
}

func (b *bulk) request(ctx context.Context, s *tracker.Saga) (skald.Request, error) {
	if b.redrive {
		step, _ := s.Current()
		l, err := b.a.b.Tracker.Letter(ctx, step.Letter.Partition, step.Letter.Offset)
		if err != nil {
			return skald.Request{}, err
		}
		// Without the event, which may be large: who halted on it has kept it.
		letter := skald.DeadLetter{
			Partition: l.Partition, Offset: l.Offset, ID: l.ID, EventID: l.EventID, SagaID: s.ID, Service: l.Service, Step: l.Step, Halted: true,
		}
		request := skald.Redrive(letter, b.why.Reason).By(b.why.By)
		return request, request.Err()
	}
	initiator, err := b.a.begins(s.Workflow)
	if err != nil {
		return skald.Request{}, err
	}
	request := skald.Cancel(initiator, s.ID, b.why.Reason).By(b.why.By)
	return request, request.Err()
}

// flush sends what is collected. After a failure, of which a service that doesn't answer is one, nothing more is sent.
func (b *bulk) flush(ctx context.Context) {
	if len(b.requests) > 0 {
		asking, cancel := context.WithTimeout(ctx, answerTimeout)
		var answers []skald.Answer
		answers, b.failed = b.a.b.Client.Ask(asking, b.requests...)
		cancel()
		b.tell(answers)
		b.requests = b.requests[:0]
		if len(answers) == 0 && b.failed != nil {
			return // nothing was published: they come again
		}
	}
	b.done = b.seen
}

func (b *bulk) tell(answers []skald.Answer) {
	for _, answer := range answers {
		switch {
		case answer.Accepted:
			b.out.Requested++
			b.out.Accepted++
		case answer.Text == "":
			b.out.Requested++
			b.out.Unanswered++
		default:
			b.refuse(answer.Text)
		}
	}
}

func (b *bulk) refuse(why string) {
	b.out.Requested++
	b.out.Refused++
	if len(b.out.Refusals) < bulkRefusals {
		b.out.Refusals = append(b.out.Refusals, why)
	}
}
