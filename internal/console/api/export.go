//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/skald-saga/skald/internal/console/filter"
	"github.com/skald-saga/skald/internal/tracker"
)

const exportDoc = `Takes the filters of the list, and gives all sagas that match and had begun by now, without payloads: as JSON Lines, each line a saga as the list has it; or as
CSV (RFC 4180, UTF-8, a line of names first), in which a cell that a spreadsheet would take for a formula begins with an apostrophe. It is read and sent piece by piece, so any number will do;
sagas go on meanwhile, and each is as it is when its turn comes. An answer that breaks off is not whole. It takes the place of one live stream.`

func (a *API) registerExport(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "export-sagas", Method: http.MethodGet, Path: "/api/v1/sagas/export", Tags: []string{"Sagas"},
		Summary: "All sagas that match, as JSON Lines or CSV", Description: exportDoc,
		Errors: []int{http.StatusServiceUnavailable},
		Responses: map[string]*huma.Response{"200": {
			Description: "The sagas",
			Content: map[string]*huma.MediaType{
				jsonLines: {Schema: &huma.Schema{Type: huma.TypeString}}, csvType: {Schema: &huma.Schema{Type: huma.TypeString}},
			},
			Headers: map[string]*huma.Param{"Content-Disposition": {Description: "A name for the file", Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}, a.exportSagas)
}

type exportInput struct {
	filter.Sagas
	Order  string `query:"order" enum:"youngest,oldest" default:"youngest" doc:"Which come first, by when they began"`
	Format string `query:"format" enum:"jsonl,csv" default:"jsonl" doc:"JSON Lines or CSV"`
}

func (a *API) exportSagas(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	q, err := in.Query(time.Now())
	if err != nil {
		return nil, err
	}
	q.OldestFirst = in.Order == "oldest"
	position, _ := a.b.Tracker.Changed()
	first := q
	first.Limit = 1
	if _, err := a.b.Tracker.Sagas(ctx, first); err != nil { // what is wrong is to be said before anything is sent
		return nil, err
	}
	ctx, leave, err := a.streams.Enter(ctx)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer leave()
		_, w := humago.Unwrap(hc)
		out := sheetOf(w, in.Format)
		w.Header().Set("Content-Type", out.mediaType())
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="sagas-%s.%s"`, time.Now().UTC().Format("20060102-150405"), in.Format))
		w.Header().Set("Cache-Control", "no-store")
		if err := a.export(ctx, q, position, out); err != nil {
			a.b.Logger.Warn("an export broke off", "error", err)
			panic(http.ErrAbortHandler) // the only way to tell a client that it hasn't got all
		}
	}}, nil
}

func (a *API) export(ctx context.Context, q tracker.Query, position int64, out sheet) error {
	var failed error
	if err := out.begin(); err != nil {
		return err
	}
	err := a.b.Tracker.Each(ctx, q, position, func(s tracker.Saga) bool {
		if failed = ctx.Err(); failed == nil {
			failed = out.add(&s)
		}
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	return out.end()
}
