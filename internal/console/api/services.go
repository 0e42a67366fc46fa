//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/tracker"
)

// Service is what the registry of services knows of one. Numbers are those of its instances that are up or draining, together.
type Service struct {
	Name       string     `json:"name"`
	State      string     `json:"state" enum:"up,draining,down,gone" doc:"The best that one of its instances has"`
	Versions   []string   `json:"versions" nullable:"false" doc:"Of its instances' programs"`
	Partitions int        `json:"partitions" doc:"How many its instances own"`
	Lag        *int64     `json:"lag,omitempty" doc:"Events that it hasn't read yet; absent while that is unknown"`
	InHand     int64      `json:"in_hand" doc:"Events that it has accepted and not finished"`
	Handled    int64      `json:"handled" doc:"Events that its instances have finished since they were started"`
	Rate       float64    `json:"rate" doc:"Of these a second, over the last minute"`
	Instances  []Instance `json:"instances" nullable:"false" doc:"Those that were started last first. Who said goodbye leaves after 10 minutes, who is silent after a day"`
}

// Instance is one process of a [Service].
type Instance struct {
	Name       string     `json:"name"`
	State      string     `json:"state" enum:"up,draining,down,gone" doc:"down: its heartbeats are missing; gone: it said goodbye"`
	Since      time.Time  `json:"since,omitzero" doc:"Since when it is so"`
	Started    time.Time  `json:"started,omitzero"`
	LastSeen   time.Time  `json:"last_seen,omitzero"`
	Version    string     `json:"version,omitempty" doc:"Of its program"`
	Library    string     `json:"library,omitempty" doc:"Version of Skald in it"`
	Partitions []int32    `json:"partitions" nullable:"false" doc:"That it owns; of one that is down or gone, that it owned last"`
	TakenBy    []Takeover `json:"taken_by,omitempty" doc:"Who owns the partitions of one that is down or gone now"`
	Lag        *int64     `json:"lag,omitempty"`
	InHand     int64      `json:"in_hand"`
	Handled    int64      `json:"handled"`
	Rate       float64    `json:"rate"`
}

// Takeover says which partitions of an [Instance] another one has taken over.
type Takeover struct {
	Instance   string  `json:"instance"`
	Partitions []int32 `json:"partitions" nullable:"false"`
}

type servicesKnown struct {
	Body struct {
		Services []Service `json:"services" nullable:"false" doc:"By name"`
	}
}

func (a *API) registerServices(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "get-services", Method: http.MethodGet, Path: "/api/v1/services", Tags: []string{"Services"},
		Summary: "Services and their instances, as they report themselves",
	}, a.getServices)
}

func (a *API) getServices(ctx context.Context, _ *struct{}) (*servicesKnown, error) {
	known, err := a.b.Tracker.Services(ctx)
	if err != nil {
		return nil, err
	}
	out := &servicesKnown{}
	out.Body.Services = make([]Service, 0, len(known))
	for _, s := range known {
		j := Service{
			Name: s.Name, State: s.State, Versions: notNil(s.Versions), Partitions: len(s.Partitions), Lag: knownLag(s.Lag), InHand: s.InHand,
			Handled: s.Handled, Rate: s.Rate, Instances: make([]Instance, 0, len(s.Instances)),
		}
		for _, i := range s.Instances {
			j.Instances = append(j.Instances, apiInstance(i))
		}
		out.Body.Services = append(out.Body.Services, j)
	}
	return out, nil
}

func apiInstance(i tracker.Instance) Instance {
	j := Instance{
		Name: i.Name, State: i.State, Since: i.Since, Started: i.Started, LastSeen: i.LastSeen, Version: i.Version, Library: i.Library,
		Partitions: notNil(i.Partitions), Lag: knownLag(i.Lag), InHand: i.InHand, Handled: i.Handled, Rate: i.Rate,
	}
	for _, t := range i.TakenBy {
		j.TakenBy = append(j.TakenBy, Takeover(t))
	}
	return j
}

func knownLag(n int64) *int64 {
	if n == tracker.UnknownLag {
		return nil
	}
	return &n
}

// notNil makes an empty list [] in JSON.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
