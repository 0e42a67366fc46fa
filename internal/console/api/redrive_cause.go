//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/redrive"
	"github.com/skald-saga/skald/internal/tracker"
)

const redriveDoc = "It goes on in the console after the answer, some letters a second, the oldest first, and is told of by GET. It takes the letters that " +
	"halt a saga now, at most 100,000. It pauses by itself when the service doesn't answer, and a redrive stops by itself when more than 5 % of those " +
	"whose outcome is known halted again. If the console ends, so does it: letters that weren't asked for stay open, and the cause can be redriven again."

func (a *API) registerRedriveCause(api huma.API) {
	op := func(method, id, path, summary, doc string) huma.Operation {
		o := huma.Operation{
			OperationID: id, Method: method, Path: "/api/v1/causes/{cause}" + path, Tags: []string{"Dead letters"}, Summary: summary, Description: doc,
			Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable},
		}
		if method == http.MethodPost {
			o.DefaultStatus, o.Errors = http.StatusAccepted, append(o.Errors, http.StatusBadRequest)
		}
		return o
	}
	handle(a, api, op(http.MethodPost, "redrive-cause", "/redrive", "Give the events of all dead letters of a cause back that halt a saga", redriveDoc), a.redriveCause)
	handle(a, api, op(http.MethodPost, "discard-cause", "/discard", "Give all dead letters of a cause up that halt a saga: what was done is undone, and the sagas end as abandoned", redriveDoc), a.discardCause)
	handle(a, api, op(http.MethodGet, "get-redrive", "/redrive", "How far the redrive or discard of a cause is", "Of the last one that was begun since the console was started; phase none if there was none."), a.getRedrive)
	for verb, change := range map[string]func(string) (redrive.State, error){"pause": a.runner.Pause, "resume": a.runner.Resume, "stop": a.runner.Stop} {
		summary := map[string]string{
			"pause": "Ask for no more letters until it is resumed", "resume": "Go on with a redrive or discard that is paused",
			"stop": "Ask for no more letters: those not asked for stay open",
		}[verb]
		handle(a, api, op(http.MethodPost, verb+"-redrive", "/redrive/"+verb, summary, ""), func(ctx context.Context, in *CausePath) (*redriveOutput, error) {
			if _, err := a.cause(ctx, in.Cause); err != nil {
				return nil, err
			}
			state, err := change(in.Cause)
			if err != nil {
				return nil, err
			}
			a.b.Logger.Info("a redrive was changed", "cause", in.Cause, "to", verb)
			return redriveOf(state), nil
		})
	}
	handle(a, api, huma.Operation{
		OperationID: "list-redrives", Method: http.MethodGet, Path: "/api/v1/redrives", Tags: []string{"Dead letters"},
		Summary: "Redrives and discards of causes since the console was started, the last of each cause, those that began last first; at most 200",
	}, func(context.Context, *struct{}) (*redrivesOutput, error) {
		out := &redrivesOutput{}
		out.Body.Redrives = []CauseRedrive{}
		for _, state := range a.runner.All() {
			out.Body.Redrives = append(out.Body.Redrives, redriveOf(state).Body)
		}
		return out, nil
	})
}

// CausePath is the part of an address that names a cause.
type CausePath struct {
	Cause string `path:"cause" pattern:"^[0-9a-f]{12}$" doc:"Key of the cause"`
}

// CauseRedrive is a redrive, or a discard, of the dead letters of a cause.
type CauseRedrive struct {
	Cause      string         `json:"cause"`
	Kind       string         `json:"kind,omitempty" enum:"redrive,discard"`
	Phase      string         `json:"phase" enum:"none,canary,running,paused,following,done,stopped" doc:"following: all were asked for, and not all outcomes are known"`
	Why        string         `json:"why,omitempty" doc:"Why it paused or stopped by itself"`
	Reason     string         `json:"reason,omitempty"`
	By         string         `json:"by,omitempty"`
	Rate       int            `json:"rate,omitempty" doc:"Letters a second"`
	Started    time.Time      `json:"started,omitzero"`
	Ended      time.Time      `json:"ended,omitzero" doc:"Since when no more letters are asked for"`
	Letters    int64          `json:"letters" doc:"How many it is to ask for"`
	Requested  int64          `json:"requested" doc:"Asked for so far: the sum of the three below"`
	Accepted   int64          `json:"accepted" doc:"Redelivered, or discarded: their service has taken them"`
	Refused    int64          `json:"refused"`
	Unanswered int64          `json:"unanswered" doc:"Their service hasn't answered yet, and takes them as soon as it runs"`
	Completed  int64          `json:"completed" doc:"Of those accepted, whose sagas have completed since"`
	Again      int64          `json:"halted_again" doc:"Of those accepted, whose events were given up on again"`
	Other      int64          `json:"other" doc:"Of those accepted, whose sagas have ended otherwise"`
	Refusals   []string       `json:"refusals" nullable:"false" doc:"Why, at most ten"`
	Canary     *RedriveCanary `json:"canary,omitempty" doc:"The letter that went before the others"`
}

// RedriveCanary is the letter that went before the others.
type RedriveCanary struct {
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Saga      string    `json:"saga"`
	Subject   string    `json:"subject,omitempty"`
	Asked     time.Time `json:"asked"`
	Status    string    `json:"status" doc:"As the letter's"`
	Known     time.Time `json:"known,omitzero" doc:"When its outcome was learnt"`
}

type redriveOutput struct{ Body CauseRedrive }

type redrivesOutput struct {
	Body struct {
		Redrives []CauseRedrive `json:"redrives" nullable:"false"`
	}
}

func redriveOf(s redrive.State) *redriveOutput {
	out := &redriveOutput{CauseRedrive{
		Cause: s.Cause, Kind: s.Kind, Phase: s.Phase, Why: s.Why, Reason: s.Reason, By: s.By, Rate: s.Rate, Started: s.Started, Ended: s.Ended,
		Letters: s.Letters, Requested: s.Requested, Accepted: s.Accepted, Refused: s.Refused, Unanswered: s.Unanswered, Completed: s.Completed,
		Again: s.Again, Other: s.Otherwise, Refusals: append([]string{}, s.Refusals...),
	}}
	if f := s.First; f != nil {
		out.Body.Canary = &RedriveCanary{f.Partition, f.Offset, f.Saga, f.Subject, f.Asked, f.Status, f.Known}
	}
	return out
}

// HowMany bounds a redrive of many letters.
type HowMany struct {
	Limit int `json:"limit,omitempty" minimum:"0" maximum:"100000" doc:"Only so many, the oldest. 0 is all"`
	Rate  int `json:"rate,omitempty" minimum:"0" maximum:"1000" doc:"Letters a second. 0 is 20"`
}

func (a *API) redriveCause(ctx context.Context, in *struct {
	CausePath
	Body struct {
		Why
		HowMany
		Canary bool `json:"canary,omitempty" doc:"One letter first; the others once its saga has completed, and not at all if it hasn't"`
	}
}) (*redriveOutput, error) {
	return a.begin(ctx, in.Cause, redrive.Options{
		Kind: redrive.Redrive, Reason: in.Body.Reason, By: by(ctx, in.Body.By), Limit: in.Body.Limit, Rate: in.Body.Rate, Canary: in.Body.Canary,
	})
}

func (a *API) discardCause(ctx context.Context, in *struct {
	CausePath
	Body struct {
		Reason
		HowMany
	}
}) (*redriveOutput, error) {
	return a.begin(ctx, in.Cause, redrive.Options{
		Kind: redrive.Discard, Reason: in.Body.Reason.Reason, By: by(ctx, in.Body.By), Limit: in.Body.Limit, Rate: in.Body.Rate,
	})
}

func (a *API) begin(ctx context.Context, cause string, o redrive.Options) (*redriveOutput, error) {
	state, err := a.runner.Start(ctx, cause, o)
	if err != nil {
		return nil, err
	}
	a.b.Logger.Info("a redrive was begun", "cause", cause, "kind", o.Kind, "by", o.By, "letters", state.Letters)
	return redriveOf(state), nil
}

func (a *API) getRedrive(ctx context.Context, in *CausePath) (*redriveOutput, error) {
	if state, ok := a.runner.Of(in.Cause); ok {
		return redriveOf(state), nil
	}
	if _, err := a.cause(ctx, in.Cause); err != nil {
		return nil, err
	}
	return &redriveOutput{CauseRedrive{Cause: in.Cause, Phase: "none", Refusals: []string{}}}, nil
}

func (a *API) cause(ctx context.Context, key string) (tracker.Cause, error) {
	return a.runner.Cause(ctx, key)
}
