//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) registerAudit(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Tags: []string{"Audit"},
		Summary: "What was asked for through this API, refused or not, the newest first",
		Description: "Everything but reading and dry runs: by the pages, the commands and other clients. What goes to Kafka without the console isn't there. Entries are kept in the tracker's database for as " +
			"long as sagas are after their end, at most 100,000; they are no part of the log, so with another database they begin anew.",
	}, a.listAudit)
}

// AuditEntry is something that somebody asked for.
type AuditEntry struct {
	Time   time.Time `json:"time"`
	Who    string    `json:"who,omitempty" doc:"The user; in a console without users, what the request says"`
	Role   string    `json:"role" doc:"viewer or operator"`
	From   string    `json:"from" doc:"IP address: of a proxy in front, if there is one"`
	Action string    `json:"action" doc:"Operation of this API, or method and path" example:"cancel-saga"`
	About  string    `json:"about,omitempty" doc:"ID of the saga, place of the dead letter, or name of the service"`
	Input  string    `json:"input,omitempty" doc:"The other fields of the request's body, as JSON: of objects only a filter, of IDs how many, and of another payload that there is one"`
	Status int       `json:"status" doc:"Of the answer"`
	Answer string    `json:"answer,omitempty" doc:"In words"`
}

type auditOutput struct {
	Body struct {
		Entries []AuditEntry `json:"entries" nullable:"false"`
		Next    string       `json:"next,omitempty" doc:"Cursor of the next page; absent on the last one"`
	}
}

func (a *API) listAudit(ctx context.Context, in *struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"At most so many"`
	Cursor string `query:"cursor" doc:"The next of the page before"`
}) (*auditOutput, error) {
	page, err := a.b.Tracker.Audit(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &auditOutput{}
	out.Body.Entries, out.Body.Next = make([]AuditEntry, 0, len(page.Entries)), page.Next
	for _, e := range page.Entries {
		out.Body.Entries = append(out.Body.Entries, AuditEntry(e))
	}
	return out, nil
}
