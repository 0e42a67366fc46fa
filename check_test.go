package skald_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald"
)

type other struct{ X int }

func begin(context.Context, newUser) (authorize, error)   { return authorize{}, nil }
func grant(context.Context, authorize) (notify, error)    { return notify{}, nil }
func mail(context.Context, notify) (notified, error)      { return notified{}, nil }
func done(context.Context, notified) error                { return nil }
func again(context.Context, authorize) (newUser, error)   { return newUser{}, nil }
func back(context.Context, notify) (authorize, error)     { return authorize{}, nil }
func choose(context.Context, notify) (skald.Event, error) { return skald.Event{}, nil }

func provisioner() *skald.Service {
	return skald.NewService("provisioner", skald.Begin(onboarding, authorizeTopic, begin), skald.End(onboarding, done))
}
func authorizer() *skald.Service {
	return skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, grant))
}
func notifier() *skald.Service {
	return skald.NewService("notifier", skald.Step(notifyTopic, notifiedTopic, mail))
}

var leaving = skald.NewWorkflow("leaving", skald.Topic[newUser]("leaver"), skald.Topic[notified]("left"))

func TestCheckPassesWhatIsRight(t *testing.T) {
	for name, services := range map[string][]*skald.Service{
		"the chain":              {provisioner(), authorizer(), notifier()},
		"one of its services":    {authorizer()},
		"the initiator alone":    {provisioner()},
		"a watcher of any topic": {provisioner(), authorizer(), notifier(), skald.NewService("audit", skald.Watch(authorizeTopic, func(context.Context, authorize) error { return nil }))},
		"a loop that ends":       {provisioner(), authorizer(), skald.NewService("notifier", skald.Route(notifyTopic, choose, authorizeTopic, notifiedTopic))},
		"a generic step for two workflows": {provisioner(), authorizer(),
			skald.NewService("leavers", skald.Begin(leaving, authorizeTopic, begin), skald.End(leaving, done)),
			skald.NewService("notifier", skald.Step(notifyTopic, notifiedTopic, mail).For(leaving, skald.Topic[notified]("left")))},
		"a shared start topic": {provisioner(), authorizer(), notifier(), func() *skald.Service {
			w := skald.NewWorkflow("welcome", newUserTopic, skald.Topic[notified]("welcomed"))
			return skald.NewService("welcomer", skald.Begin(w, skald.Topic[authorize]("welcome"), begin), skald.End(w, done))
		}()},
	} {
		if err := skald.Check(services...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each mistake is refused at start, with a message that names the place and says what to change.
func TestCheckRefusesMistakes(t *testing.T) {
	const bad skald.Topic[authorize] = "bad name"
	route := func(topics ...skald.AnyTopic) *skald.Service {
		return skald.NewService("notifier", skald.Route(notifyTopic, choose, topics...))
	}
	for name, test := range map[string]struct {
		services []*skald.Service
		says     []string
	}{
		"no services":                {nil, []string{"no services", "pass at least one"}},
		"no steps":                   {[]*skald.Service{skald.NewService("idle")}, []string{`"idle"`, "no steps", "at least one"}},
		"a service twice":            {[]*skald.Service{authorizer(), authorizer()}, []string{`"authorizer"`, "twice"}},
		"two steps on one topic":     {[]*skald.Service{skald.NewService("a", skald.Step(authorizeTopic, notifyTopic, grant), skald.Step(authorizeTopic, newUserTopic, again))}, []string{`"authorize"`, "two steps", "merge them"}},
		"two types for one topic":    {[]*skald.Service{authorizer(), skald.NewService("b", skald.Watch(skald.Topic[other]("notify"), func(context.Context, other) error { return nil }))}, []string{`"notify"`, "skald_test.notify", "skald_test.other", "one typed constant"}},
		"begin without end":          {[]*skald.Service{skald.NewService("a", skald.Begin(onboarding, authorizeTopic, begin))}, []string{`"onboarding"`, "doesn't end it", "skald.End"}},
		"end without begin":          {[]*skald.Service{skald.NewService("a", skald.End(onboarding, done))}, []string{`"onboarding"`, "doesn't begin it", "skald.Begin", "skald.Watch"}},
		"a chain that never returns": {[]*skald.Service{provisioner(), authorizer(), skald.NewService("notifier", skald.Step(notifyTopic, authorizeTopic, back))}, []string{"never returns", `"provisioner"`, "authorize -> notify", `"notified"`}},
		"a route that never returns": {[]*skald.Service{provisioner(), authorizer(), route(authorizeTopic)}, []string{"never returns", "notify"}},
		"a branch that never returns": {[]*skald.Service{provisioner(), authorizer(), route(notifiedTopic, skald.Topic[authorize]("side")),
			skald.NewService("side", skald.Step(skald.Topic[authorize]("side"), skald.Topic[authorize]("side2"), func(context.Context, authorize) (authorize, error) { return authorize{}, nil })),
			skald.NewService("side2", skald.Step(skald.Topic[authorize]("side2"), skald.Topic[authorize]("side"), func(context.Context, authorize) (authorize, error) { return authorize{}, nil }))}, []string{"never returns", "side2"}},
		"a route without successors":   {[]*skald.Service{route()}, []string{"without successors", "name the topics"}},
		"back to the start":            {[]*skald.Service{provisioner(), skald.NewService("a", skald.Step(authorizeTopic, newUserTopic, again))}, []string{"authorize -> new-user", "start topic", `"onboarding"`, "another successor"}},
		"two takers":                   {[]*skald.Service{provisioner(), authorizer(), notifier(), skald.NewService("second", skald.Step(authorizeTopic, notifyTopic, grant))}, []string{`"authorize"`, "authorizer and second", "skald.Watch"}},
		"two initiators":               {[]*skald.Service{provisioner(), skald.NewService("rival", skald.Begin(onboarding, authorizeTopic, begin), skald.End(onboarding, done))}, []string{`"new-user"`, "provisioner and rival"}},
		"a taker beside the initiator": {[]*skald.Service{provisioner(), authorizer(), notifier(), skald.NewService("second", skald.Step(newUserTopic, authorizeTopic, begin))}, []string{`"new-user"`, "provisioner and second", "skald.Watch"}},
		"a taker beside the end":       {[]*skald.Service{provisioner(), authorizer(), notifier(), skald.NewService("second", skald.Step(notifiedTopic, skald.Topic[newUser]("x"), func(context.Context, notified) (newUser, error) { return newUser{}, nil }))}, []string{`"notified"`, "provisioner and second", "skald.Watch"}},
		"into another workflow": {[]*skald.Service{provisioner(), authorizer(), skald.NewService("notifier", skald.Step(notifyTopic, skald.Topic[notified]("left"), mail)),
			skald.NewService("leavers", skald.Begin(leaving, authorizeTopic, begin), skald.End(leaving, done))}, []string{"never returns", `"onboarding"`, "notify -> left"}},
		"into another workflow's start": {[]*skald.Service{provisioner(), skald.NewService("a", skald.Step(authorizeTopic, skald.Topic[newUser]("leaver"), again)),
			skald.NewService("leavers", skald.Begin(leaving, notifyTopic, func(context.Context, newUser) (notify, error) { return notify{}, nil }), skald.End(leaving, done)), notifier()}, []string{"never returns", `"onboarding"`, "authorize -> leaver"}},
		"two successors for one workflow": {[]*skald.Service{skald.NewService("n", skald.Step(notifyTopic, notifiedTopic, mail).For(leaving, "a").For(leaving, "b"))}, []string{`"leaving"`, "two successors"}},
		"one workflow, two ways": {[]*skald.Service{provisioner(), func() *skald.Service {
			w := skald.NewWorkflow("onboarding", skald.Topic[newUser]("joiner"), skald.Topic[notified]("joined"))
			return skald.NewService("b", skald.Begin(w, authorizeTopic, begin), skald.End(w, done))
		}()}, []string{`"onboarding"`, "two ways"}},
		"a bad topic":                 {[]*skald.Service{skald.NewService("a", skald.Step(bad, notifyTopic, grant))}, []string{`"bad name"`, "only letters"}},
		"a bad service":               {[]*skald.Service{skald.NewService("a/b", skald.Step(authorizeTopic, notifyTopic, grant))}, []string{`"a/b"`, "only letters"}},
		"Skald's topic":               {[]*skald.Service{skald.NewService("a", skald.Step(skald.Topic[authorize]("skald.dlq"), notifyTopic, grant))}, []string{`"skald.dlq"`, "Skald's own"}},
		"no concurrency":              {[]*skald.Service{skald.NewService("a", skald.Step(authorizeTopic, notifyTopic, grant).Concurrency(0))}, []string{"concurrency 0", "at least 1"}},
		"no attempts":                 {[]*skald.Service{retrying(skald.RetryPolicy{Factor: 1})}, []string{`"authorize"`, "0 attempts", "from 1 (no retry) to 1000"}},
		"attempts -1":                 {[]*skald.Service{retrying(skald.RetryPolicy{Attempts: -1, Factor: 1})}, []string{"-1 attempts", "from 1"}},
		"a first delay of -1s":        {[]*skald.Service{retrying(skald.RetryPolicy{Attempts: 2, First: -time.Second, Factor: 1})}, []string{"first delay is -1s", "from 0 to 720h0m0s"}},
		"a delay of a year":           {[]*skald.Service{retrying(skald.RetryPolicy{Attempts: 2, First: time.Second, Factor: 2, Max: 365 * 24 * time.Hour})}, []string{"longest delay is 8760h0m0s", "720h0m0s"}},
		"the longest below the first": {[]*skald.Service{retrying(skald.RetryPolicy{Attempts: 2, First: time.Minute, Factor: 2, Max: time.Second})}, []string{"longest delay is 1s", "from its first, 1m0s"}},
		"a factor of 0":               {[]*skald.Service{retrying(skald.RetryPolicy{Attempts: 2, First: time.Second, Max: time.Second})}, []string{"grow by 0", "from 1 to 100"}},
		"a factor that is no number":  {[]*skald.Service{retrying(skald.RetryPolicy{Attempts: 2, First: time.Second, Max: time.Second, Factor: math.NaN()})}, []string{"grow by NaN"}},
		"a timeout of -1s":            {[]*skald.Service{skald.NewService("a", skald.Step(authorizeTopic, notifyTopic, grant).Timeout(-time.Second))}, []string{"timeout of -1s", "24h0m0s"}},
		"a deadline of -1s": {[]*skald.Service{func() *skald.Service {
			w := skald.NewWorkflow("hurried", newUserTopic, notifiedTopic).Deadline(-time.Second)
			return skald.NewService("a", skald.Begin(w, authorizeTopic, begin), skald.End(w, done))
		}()}, []string{`"hurried"`, "a deadline of -1s", "from 0 (none)"}},
		"no handler": {[]*skald.Service{skald.NewService("a", skald.Step[authorize, notify](authorizeTopic, notifyTopic, nil))}, []string{`"authorize"`, "no handler"}},
		"no watcher": {[]*skald.Service{skald.NewService("a", skald.Watch(authorizeTopic, nil))}, []string{`"authorize"`, "no handler"}},
	} {
		err := skald.Check(test.services...)
		if err == nil {
			t.Errorf("%s: passes", name)
			continue
		}
		for _, word := range test.says {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: the message doesn't say %q:\n%v", name, word, err)
			}
		}
	}
}

func retrying(p skald.RetryPolicy) *skald.Service {
	return skald.NewService("a", skald.Step(authorizeTopic, notifyTopic, grant).Retry(p))
}

// Run refuses what Check refuses, before it connects to anything.
func TestRunChecksFirst(t *testing.T) {
	err := skald.Run(context.Background(), skald.Config{Brokers: []string{"127.0.0.1:1"}}, authorizer(), authorizer())
	if err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got %v", err)
	}
	err = skald.Run(context.Background(), skald.Config{Brokers: []string{"127.0.0.1:1"}, Partitions: -1}, authorizer())
	if err == nil || !strings.Contains(err.Error(), "Partitions") {
		t.Errorf("got %v", err)
	}
}
