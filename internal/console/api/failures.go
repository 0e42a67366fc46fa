//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"

	"github.com/skald-saga/skald/internal/console/problem"
)

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

func (a *API) getFailures(context.Context, *struct{}) (*failuresOutput, error) {
	out := &failuresOutput{}
	for _, c := range a.b.Demo.Chances() {
		out.Body.Failures = append(out.Body.Failures, DemoFailures{c.Service, c.Percent})
	}
	return out, nil
}

func (a *API) setFailures(ctx context.Context, in *struct {
	Service string `path:"service"`
	Body    struct {
		Percent int `json:"percent" minimum:"0" maximum:"50" doc:"Of the handlers' attempts"`
	}
}) (*failuresOutput, error) {
	if err := a.mustRunHere(in.Service); err != nil {
		return nil, err
	}
	if err := a.b.Demo.Faults.SetChaos(in.Service, float64(in.Body.Percent)/100); err != nil {
		return nil, &problem.Field{Location: "body.percent", Message: err.Error()}
	}
	a.b.Touched.Notify()
	return a.getFailures(ctx, nil)
}
