//nolint:tagalign // a field's name comes first, its description last
package console

import "context"

// DemoFailures is how often the handlers of a service of the demo are made to fail.
type DemoFailures struct {
	Service string `json:"service"`
	Percent int    `json:"percent" doc:"Of the handlers' attempts"`
}

type failuresOutput struct {
	Body struct {
		Failures []DemoFailures `json:"failures" nullable:"false"`
	}
}

func (h *Handler) getFailures(context.Context, *struct{}) (*failuresOutput, error) {
	out := &failuresOutput{}
	for _, c := range h.cfg.Demo.chances() {
		out.Body.Failures = append(out.Body.Failures, DemoFailures{c.Service, c.Percent})
	}
	return out, nil
}

func (h *Handler) setFailures(ctx context.Context, in *struct {
	Service string `path:"service"`
	Body    struct {
		Percent int `json:"percent" minimum:"0" maximum:"50" doc:"Of the handlers' attempts"`
	}
}) (*failuresOutput, error) {
	if err := h.mustRunHere(in.Service); err != nil {
		return nil, err
	}
	if err := h.cfg.Demo.Faults.SetChaos(in.Service, float64(in.Body.Percent)/100); err != nil {
		return nil, &fieldError{"body.percent", err.Error()}
	}
	h.touched.notify()
	return h.getFailures(ctx, nil)
}
