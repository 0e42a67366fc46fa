package topology_test

import (
	"fmt"

	"github.com/skald-saga/skald/internal/topology"
	"github.com/skald-saga/skald/internal/tracker"
)

// begins and ends declare the two ends of a workflow.
func begins(workflow, topic, endTopic string, next ...string) tracker.DeclaredStep {
	return tracker.DeclaredStep{Role: "begin", Workflow: workflow, Topic: topic, EndTopic: endTopic, Next: next}
}

func ends(workflow, topic string) tracker.DeclaredStep {
	return tracker.DeclaredStep{Role: "end", Workflow: workflow, Topic: topic}
}

func step(topic string, next ...string) tracker.DeclaredStep {
	role := "step"
	if len(next) > 1 {
		role = tracker.RoleRoute
	}
	return tracker.DeclaredStep{Role: role, Topic: topic, Next: next}
}

func watches(topic string) tracker.DeclaredStep {
	return tracker.DeclaredStep{Role: "watch", Topic: topic}
}

func service(name string, steps ...tracker.DeclaredStep) tracker.Declaration {
	return tracker.Declaration{Service: name, Steps: steps}
}

func onboarding() []tracker.Declaration {
	return []tracker.Declaration{
		service("provisioner", begins("onboarding", "new-user", "notified", "authorize"), ends("onboarding", "notified")),
		service("authorizer", step("authorize", "notify")),
		service("notifier", step("notify", "notified")),
	}
}

// shared adds a second workflow that two services of the first serve.
func shared() []tracker.Declaration {
	return append(onboarding(), service("helpdesk", begins("helpdesk", "new-ticket", "notified", "authorize"), ends("helpdesk", "notified")))
}

// chain is a loop of n services.
func chain(n int) []tracker.Declaration {
	all := []tracker.Declaration{service("s00", begins("long", "t00", "home", "t01"), ends("long", "home"))}
	for i := 1; i < n; i++ {
		next := fmt.Sprintf("t%02d", i+1)
		if i == n-1 {
			next = "home"
		}
		all = append(all, service(fmt.Sprintf("s%02d", i), step(fmt.Sprintf("t%02d", i), next)))
	}
	return all
}

func texts(g *topology.Graph) (all []string) {
	for _, f := range g.Check() {
		all = append(all, fmt.Sprintf("%s %v: %s", f.Kind, f.Breaks, f.Text))
	}
	return all
}
