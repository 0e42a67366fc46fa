//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

func (a *API) registerTracker(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "get-tracker", Method: http.MethodGet, Path: "/api/v1/tracker", Tags: []string{"Tracker"},
		Summary: "How far the tracker is, and what its answers are limited by",
	}, func(context.Context, *struct{}) (*trackerOutput, error) {
		s := a.b.Tracker.Status()
		out := &trackerOutput{Body: TrackerStatus{
			Database: s.Database, Writes: s.Writes,
			Reachable: s.Lag.Reachable, LagRecords: s.Lag.Records, LagSeconds: s.Lag.Age.Seconds(),
			LogSince: s.Log.Since, LogWhole: s.Log.Whole,
			KeepSeconds: max(0, int64(s.KeepFor/time.Second)), KeepSagas: max(0, s.KeepSagas),
		}}
		return out, nil
	})
}

type trackerOutput struct{ Body TrackerStatus }

// TrackerStatus is how the tracker is, as the API tells it.
type TrackerStatus struct {
	Database    string    `json:"database" doc:"Where the tracker keeps what it has read" example:"PostgreSQL db:5432/skald"`
	Writes      bool      `json:"writes" doc:"Whether this tracker writes to the database; of several that share one, one does, and the others show what it has written"`
	Reachable   bool      `json:"reachable" doc:"Whether Kafka answers"`
	LagRecords  int64     `json:"lag_records" doc:"Records in the log that aren't in the answers yet"`
	LagSeconds  float64   `json:"lag_seconds" doc:"How long ago the answers had everything that was in the log"`
	LogSince    time.Time `json:"log_since,omitzero" doc:"The log holds all events since then. Sagas that began before can't be told whole by a tracker that begins anew. Absent while it isn't known, and for a log without events"`
	LogWhole    bool      `json:"log_whole" doc:"Nothing has been deleted from the log: log_since is when it begins"`
	KeepSeconds int64     `json:"keep_seconds" doc:"How long sagas are kept after their end; 0 is for ever"`
	KeepSagas   int64     `json:"keep_sagas" doc:"How many sagas that are over are kept, those that ended last; 0 is all"`
}
