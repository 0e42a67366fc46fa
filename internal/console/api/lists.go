//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/filter"
)

func (a *API) registerLists(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "list-sagas", Method: http.MethodGet, Path: "/api/v1/sagas", Tags: []string{"Sagas"},
		Summary:     "Sagas, the youngest first",
		Description: "All that is asked for has to hold together. A cursor goes with the filters and the order that it came with.",
		Responses:   alsoUnchanged(),
	}, a.listSagas)
	handle(a, api, huma.Operation{
		OperationID: "count-sagas", Method: http.MethodGet, Path: "/api/v1/sagas/count", Tags: []string{"Sagas"},
		Summary:     "How many sagas match",
		Description: "Takes the filters of the list.",
	}, a.countSagas)
}

type listInput struct {
	filter.Sagas
	Unchanged
	Order  string `query:"order" enum:"youngest,oldest" default:"youngest" doc:"Which come first, by when they began"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"At most so many"`
	Cursor string `query:"cursor" doc:"The next of the page before"`
}

type listOutput struct {
	ETag string `header:"ETag" doc:"Changes with any saga. Absent where the answer changes with the clock: older_than, younger_than, overdue"`
	Body struct {
		Sagas []Saga `json:"sagas" nullable:"false"`
		Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last one"`
	}
}

func (a *API) listSagas(ctx context.Context, in *listInput) (*listOutput, error) {
	out := &listOutput{}
	q, err := in.Query(time.Now())
	if err != nil {
		return nil, err
	}
	q.Limit, q.Cursor, q.OldestFirst = in.Limit, in.Cursor, in.Order == "oldest"
	if seq, _ := a.b.Tracker.Changed(); !in.Moves() { // before the list: what changes meanwhile has another tag
		out.ETag = tagOf(seq)
	}
	page, err := a.b.Tracker.Sagas(ctx, q)
	if err != nil {
		return nil, err
	}
	if out.ETag != "" {
		if err := in.since(out.ETag); err != nil {
			return nil, err
		}
	}
	out.Body.Sagas = make([]Saga, 0, len(page.Sagas))
	for _, saga := range page.Sagas {
		out.Body.Sagas = append(out.Body.Sagas, apiSaga(saga, false))
	}
	out.Body.Next = page.Next
	return out, nil
}

type countOutput struct {
	Body struct {
		Count   int64 `json:"count"`
		AtLeast bool  `json:"at_least" doc:"There are so many or more: counting all would take too long"`
	}
}

func (a *API) countSagas(ctx context.Context, in *struct{ filter.Sagas }) (*countOutput, error) {
	q, err := in.Query(time.Now())
	if err != nil {
		return nil, err
	}
	count, err := a.b.Tracker.Count(ctx, q)
	out := &countOutput{}
	out.Body.Count, out.Body.AtLeast = count.N, count.AtLeast
	return out, err
}
