package consoletest

import (
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// declarations are what the onboarding's services declare.
func declarations() []tracker.Declaration {
	return []tracker.Declaration{
		{Service: "authorizer", Steps: []tracker.DeclaredStep{
			{Role: wire.RoleStep, Topic: "authorize", Next: []string{"notify"}, Compensates: true, Attempts: 8, UndoAttempts: 12},
		}},
		{Service: "notifier", Steps: []tracker.DeclaredStep{{Role: wire.RoleStep, Topic: "notify", Next: []string{"notified"}, Attempts: 8}}},
		{Service: "provisioner", Steps: []tracker.DeclaredStep{
			{Role: wire.RoleBegin, Workflow: "onboarding", Topic: "new-user", EndTopic: "notified", Next: []string{"authorize"}, Compensates: true, Attempts: 8, Deadline: 24 * time.Hour},
			{Role: wire.RoleEnd, Workflow: "onboarding", Topic: "notified", Attempts: 8},
		}},
	}
}
