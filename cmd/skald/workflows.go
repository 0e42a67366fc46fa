package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
)

// starter is a workflow whose sagas can be started with JSON.
type starter interface {
	Name() string
	StartJSON(ctx context.Context, c *skald.Client, input []byte, options ...skald.StartOption) (*skald.Saga, error)
	CheckJSON(input []byte) error
}

// workflows are those that this binary knows.
var workflows = map[string]starter{
	events.Onboarding.Name(): events.Onboarding,
}

func workflowNames() []string { return slices.Sorted(maps.Keys(workflows)) }

func workflowNamed(name string) (starter, error) {
	w, ok := workflows[name]
	if !ok {
		return nil, usage("there is no workflow %q; known: %s", name, strings.Join(workflowNames(), ", "))
	}
	return w, nil
}
