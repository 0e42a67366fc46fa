//nolint:tagalign // a field's name comes first, its description last
package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/events"
)

func (h *Handler) registerDemo(api huma.API) {
	demoOp := func(id, method, path, summary string, errors ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1/demo" + path, Summary: summary, Tags: []string{"Demo"}, Errors: errors}
	}
	handle(h, api, demoOp("next-hire", http.MethodGet, "/hires", "Who is next on the list of new hires"), h.nextHire)
	hire := demoOp("onboard-next-hire", http.MethodPost, "/hires", "Start the onboarding of the next hire; one that could not be started stays next",
		http.StatusConflict, http.StatusServiceUnavailable)
	hire.DefaultStatus = http.StatusAccepted
	handle(h, api, hire, h.onboardNextHire)
	handle(h, api, demoOp("list-services", http.MethodGet, "/services", "The services, in the order of the chain"), h.listServices)
	handle(h, api, demoOp("play-service", http.MethodPost, "/services/{name}/play", "Start a service", http.StatusNotFound), h.playService)
	handle(h, api, demoOp("stop-service", http.MethodPost, "/services/{name}/stop", "Stop a service: it finishes what is in hand", http.StatusNotFound), h.stopService)
	handle(h, api, demoOp("get-lag", http.MethodGet, "/lag", "The lag that every step gets"), h.getLag)
	handle(h, api, demoOp("set-lag", http.MethodPut, "/lag", "Set the lag that every step gets: drawn anew each time between min and max"), h.setLag)
	handle(h, api, demoOp("get-failures", http.MethodGet, "/failures", "How often the handlers of each service are made to fail"), h.getFailures)
	handle(h, api, demoOp("set-failures", http.MethodPut, "/failures/{service}", "Set how often a service's handlers fail, from the next one on", http.StatusNotFound), h.setFailures)
}

type hiresOutput struct {
	Body struct {
		Next      *events.NewUser `json:"next,omitempty" doc:"Absent when the list is used up"`
		Remaining int             `json:"remaining"`
	}
}

func (h *Handler) nextHire(context.Context, *struct{}) (*hiresOutput, error) {
	out := &hiresOutput{}
	if next, ok := h.cfg.Demo.Hires.Peek(); ok {
		out.Body.Next = &next
	}
	out.Body.Remaining = h.cfg.Demo.Hires.Remaining()
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
func (h *Handler) onboardNextHire(ctx context.Context, _ *struct{}) (*hiredOutput, error) {
	hires := h.cfg.Demo.Hires
	hire, ok := hires.Next()
	if !ok {
		return nil, errUsedUp
	}
	input, err := json.Marshal(hire)
	if err != nil {
		return nil, err
	}
	saga, err := h.start(ctx, events.Onboarding.Name(), input, h.life+"/"+hire.Email,
		hire.Name+" stays next: try again, nobody is onboarded twice")
	if err != nil {
		hires.PutBack(hire)
		return nil, err
	}
	h.touched.notify()
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

func (h *Handler) listServices(context.Context, *struct{}) (*servicesOutput, error) {
	out := &servicesOutput{}
	for _, s := range h.cfg.Demo.Services.List() {
		out.Body.Services = append(out.Body.Services, DemoService{Name: s.Name, State: s.word()})
	}
	return out, nil
}

func (s ServiceState) word() string {
	switch {
	case s.Running && s.Changing:
		return "stopping"
	case s.Changing:
		return "starting"
	case s.Running:
		return "running"
	default:
		return "stopped"
	}
}

type serviceInput struct {
	Name string `path:"name"`
}

func (h *Handler) playService(ctx context.Context, in *serviceInput) (*servicesOutput, error) {
	return h.switchService(ctx, in.Name, h.cfg.Demo.Services.Play)
}

func (h *Handler) stopService(ctx context.Context, in *serviceInput) (*servicesOutput, error) {
	return h.switchService(ctx, in.Name, h.cfg.Demo.Services.Stop)
}

func (h *Handler) switchService(ctx context.Context, name string, to func(context.Context, string) error) (*servicesOutput, error) {
	if err := h.mustRunHere(name); err != nil {
		return nil, err
	}
	if err := to(ctx, name); err != nil {
		return nil, err
	}
	return h.listServices(ctx, nil)
}

func (h *Handler) mustRunHere(name string) error {
	services := h.cfg.Demo.Services.List()
	names := make([]string, 0, len(services))
	for _, s := range services {
		names = append(names, s.Name)
	}
	if slices.Contains(names, name) {
		return nil
	}
	return &missingError{"no service " + clip(name) + " runs here, only " + listed(names)}
}

// DemoLag bounds the lag that the demo draws for every step.
type DemoLag struct {
	Min string `json:"min" doc:"A duration, e.g. 0s" example:"0s"`
	Max string `json:"max" doc:"A duration, not below min" example:"3s"`
}

type lagOutput struct{ Body DemoLag }

func (h *Handler) getLag(context.Context, *struct{}) (*lagOutput, error) {
	lag := h.cfg.Demo.Faults.Lag()
	return &lagOutput{Body: DemoLag{Min: lag.Min.String(), Max: lag.Max.String()}}, nil
}

func (h *Handler) setLag(ctx context.Context, in *struct{ Body DemoLag }) (*lagOutput, error) {
	var lag demo.Range
	for _, bound := range []struct {
		location, text string
		to             *time.Duration
	}{{"body.min", in.Body.Min, &lag.Min}, {"body.max", in.Body.Max, &lag.Max}} {
		d, err := time.ParseDuration(bound.text)
		if err != nil {
			return nil, &fieldError{bound.location, "a duration is expected, e.g. 1.5s"}
		}
		*bound.to = d
	}
	if err := h.cfg.Demo.Faults.SetLag(lag); err != nil {
		return nil, &fieldError{"body", err.Error()}
	}
	h.touched.notify()
	return h.getLag(ctx, nil)
}
