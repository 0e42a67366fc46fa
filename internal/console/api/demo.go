//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
)

func (a *API) registerDemo(api huma.API) {
	demoOp := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1/demo" + path, Summary: summary, Tags: []string{"Demo"}, Errors: errors}
	}
	handle(a, api, demoOp("next-hire", http.MethodGet, "/hires", "Who is next on the list of new hires"), a.nextHire)
	hire := demoOp("onboard-next-hire", http.MethodPost, "/hires", "Start the onboarding of the next hire; one that could not be started stays next",
		http.StatusConflict, http.StatusServiceUnavailable)
	hire.DefaultStatus = http.StatusAccepted
	handle(a, api, hire, a.onboardNextHire)
	handle(a, api, demoOp("list-services", http.MethodGet, "/services", "The services, in the order of the chain"), a.listServices)
	handle(a, api, demoOp("play-service", http.MethodPost, "/services/{name}/play", "Start a service", http.StatusNotFound), a.playService)
	handle(a, api, demoOp("stop-service", http.MethodPost, "/services/{name}/stop", "Stop a service: it finishes what is in hand", http.StatusNotFound), a.stopService)
	handle(a, api, demoOp("get-lag", http.MethodGet, "/lag", "The lag that every step gets"), a.getLag)
	handle(a, api, demoOp("set-lag", http.MethodPut, "/lag", "Set the lag that every step gets: drawn anew each time between min and max"), a.setLag)
	handle(a, api, demoOp("get-failures", http.MethodGet, "/failures", "How often the handlers of each service are made to fail"), a.getFailures)
	handle(a, api, demoOp("set-failures", http.MethodPut, "/failures/{service}", "Set how often a service's handlers fail, from the next one on", http.StatusNotFound), a.setFailures)
}

type hiresOutput struct {
	Body struct {
		Next      *events.NewUser `json:"next,omitempty" doc:"Absent when the list is used up"`
		Remaining int             `json:"remaining"`
	}
}

func (a *API) nextHire(context.Context, *struct{}) (*hiresOutput, error) {
	out := &hiresOutput{}
	if next, ok := a.b.Demo.Hires.Peek(); ok {
		out.Body.Next = &next
	}
	out.Body.Remaining = a.b.Demo.Hires.Remaining()
	return out, nil
}

type hiredOutput struct {
	Body struct {
		ID   string         `json:"id" format:"uuid"`
		User events.NewUser `json:"user"`
	}
}

// onboardNextHire takes a hire off the list for as long as the broker confirms the start. The idempotency key is made of
// the hire, so that a start that went unconfirmed and was published all the same isn't a second saga on the next click.
func (a *API) onboardNextHire(ctx context.Context, _ *struct{}) (*hiredOutput, error) {
	hires := a.b.Demo.Hires
	hire, ok := hires.Next()
	if !ok {
		return nil, problem.ErrUsedUp
	}
	input, err := json.Marshal(hire)
	if err != nil {
		return nil, err
	}
	saga, err := a.start(ctx, events.Onboarding.Name(), input, a.b.Life+"/"+hire.Email,
		hire.Name+" stays next: try again, nobody is onboarded twice")
	if err != nil {
		hires.PutBack(hire)
		return nil, err
	}
	a.b.Touched.Notify()
	out := &hiredOutput{}
	out.Body.ID, out.Body.User = saga.Body.ID, hire
	return out, nil
}

// DemoService is one service of the demo.
type DemoService struct {
	Name  string `json:"name"`
	State string `json:"state" enum:"running,stopped,starting,stopping"`
}

type servicesOutput struct {
	Body struct {
		Services []DemoService `json:"services" nullable:"false"`
	}
}

func (a *API) listServices(context.Context, *struct{}) (*servicesOutput, error) {
	out := &servicesOutput{}
	for _, s := range a.b.Demo.Services.List() {
		out.Body.Services = append(out.Body.Services, DemoService{Name: s.Name, State: s.Word()})
	}
	return out, nil
}

type serviceInput struct {
	Name string `path:"name"`
}

func (a *API) playService(ctx context.Context, in *serviceInput) (*servicesOutput, error) {
	return a.switchService(ctx, in.Name, a.b.Demo.Services.Play)
}

func (a *API) stopService(ctx context.Context, in *serviceInput) (*servicesOutput, error) {
	return a.switchService(ctx, in.Name, a.b.Demo.Services.Stop)
}

func (a *API) switchService(ctx context.Context, name string, to func(context.Context, string) error) (*servicesOutput, error) {
	if err := a.mustRunHere(name); err != nil {
		return nil, err
	}
	if err := to(ctx, name); err != nil {
		return nil, err
	}
	return a.listServices(ctx, nil)
}

func (a *API) mustRunHere(name string) error {
	services := a.b.Demo.Services.List()
	names := make([]string, 0, len(services))
	for _, s := range services {
		names = append(names, s.Name)
	}
	if slices.Contains(names, name) {
		return nil
	}
	return &problem.Missing{Message: "no service " + words.Clip(name) + " runs here, only " + words.Listed(names)}
}

// DemoLag bounds the lag that the demo draws for every step.
type DemoLag struct {
	Min string `json:"min" doc:"A duration, e.g. 0s" example:"0s"`
	Max string `json:"max" doc:"A duration, not below min" example:"3s"`
}

type lagOutput struct{ Body DemoLag }

func (a *API) getLag(context.Context, *struct{}) (*lagOutput, error) {
	lag := a.b.Demo.Faults.Lag()
	return &lagOutput{Body: DemoLag{Min: lag.Min.String(), Max: lag.Max.String()}}, nil
}

func (a *API) setLag(ctx context.Context, in *struct{ Body DemoLag }) (*lagOutput, error) {
	var lag demo.Range
	for _, bound := range []struct {
		location, text string
		to             *time.Duration
	}{{"body.min", in.Body.Min, &lag.Min}, {"body.max", in.Body.Max, &lag.Max}} {
		d, err := time.ParseDuration(bound.text)
		if err != nil {
			return nil, &problem.Field{Location: bound.location, Message: "a duration is expected, e.g. 1.5s"}
		}
		*bound.to = d
	}
	if err := a.b.Demo.Faults.SetLag(lag); err != nil {
		return nil, &problem.Field{Location: "body", Message: err.Error()}
	}
	a.b.Touched.Notify()
	return a.getLag(ctx, nil)
}
