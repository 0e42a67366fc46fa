package consoletest

import (
	"time"

	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// Mapped is a world with two workflows that share services, one that reads along, one hop that sagas are stuck at, and one
// that nobody has declared.
func Mapped() *World {
	w := Troubled()
	up := func(name string) tracker.Instance {
		return tracker.Instance{Name: name, Up: true, State: tracker.Up, Since: w.Clock, Started: w.Clock, Lag: tracker.UnknownLag}
	}
	service := func(name, topic string, lag int64) tracker.Service {
		return tracker.Service{Name: name, State: tracker.Up, Topics: []tracker.TopicLag{{Topic: topic, Lag: lag}}, Instances: []tracker.Instance{up(name + "-1"), up(name + "-2")}}
	}
	w.Known = []tracker.Service{
		service("audit", "notify", 0), service("authorizer", "authorize", 3), service("helpdesk", "notified", 0), service("notifier", "notify", 1402), service("provisioner", "new-user", 0),
	}
	w.Known[3].Instances[1].Up, w.Known[3].Instances[1].State = false, tracker.Down
	begin := func(workflow, start string) []tracker.DeclaredStep {
		return []tracker.DeclaredStep{
			{Role: wire.RoleBegin, Workflow: workflow, Topic: start, EndTopic: "notified", Next: []string{"authorize"}}, {Role: wire.RoleEnd, Workflow: workflow, Topic: "notified"},
		}
	}
	w.Steps = []tracker.Declaration{
		{Service: "audit", Steps: []tracker.DeclaredStep{{Role: wire.RoleWatch, Topic: "notify"}}},
		{Service: "authorizer", Steps: []tracker.DeclaredStep{{Role: wire.RoleStep, Topic: "authorize", Next: []string{"notify"}}}},
		{Service: "helpdesk", Steps: begin("helpdesk", "new-ticket")},
		{Service: "notifier", Steps: []tracker.DeclaredStep{{Role: wire.RoleStep, Topic: "notify", Next: []string{"notified"}}}},
		{Service: "provisioner", Steps: begin("onboarding", "new-user")},
	}
	const ms = time.Millisecond
	w.Ways = []tracker.Hop{
		w.way("helpdesk", "", "new-ticket", "helpdesk", 6, 20*ms, 200*ms), w.way("helpdesk", "helpdesk", "authorize", "authorizer", 6, 20*ms, 900*ms),
		w.way("helpdesk", "authorizer", "notify", "notifier", 6, 800*ms, 2100*ms), w.way("helpdesk", "notifier", "notified", "helpdesk", 5, 20*ms, 300*ms),
		w.way("onboarding", "", "new-user", "provisioner", 42, 310*ms, 900*ms), w.way("onboarding", "provisioner", "authorize", "authorizer", 42, 280*ms, 2100*ms),
		w.way("onboarding", "authorizer", "notify", "notifier", 42, 3900*ms, 41000*ms), w.way("onboarding", "notifier", "notified", "provisioner", 31, 20*ms, 300*ms),
		w.way("", "notifier", "sms-out", "", 14.0/3600, 0, 0),
		{Workflow: "onboarding", From: "notifier", Topic: "authorize", To: "authorizer", Undo: true, Declared: true, Events: 3, Rate: .01},
	}
	w.Ways[2].UsualP99 = 0
	slow := &w.Ways[6]
	slow.Running, slow.Retrying, slow.Halted, slow.Stuck, slow.UsualP99 = 64, 1072, 212, 12, 2400*ms
	for i := range slow.Minutes {
		slow.Minutes[i].P50, slow.Minutes[i].P99 = 800*ms, 2400*ms
		if late := i - 42; late > 0 {
			slow.Minutes[i].P50, slow.Minutes[i].P99 = 800*ms+time.Duration(late)*170*ms, 2400*ms+time.Duration(late)*2270*ms
		}
	}
	w.Ways[8].Declared, w.Ways[8].Events = false, 14
	return w
}

// way is a hop that has been the same for an hour, a little up and down.
func (w *World) way(workflow, from, topic, to string, rate float64, p50, p99 time.Duration) tracker.Hop {
	h := tracker.Hop{Workflow: workflow, From: from, Topic: topic, To: to, Declared: true, Events: int64(rate * 300), Rate: rate, P50: p50, P99: p99, UsualP99: p99}
	for i := range 60 {
		wave := 1 + float64(i*7%5)/50
		h.Minutes = append(h.Minutes, tracker.HopMinute{
			Start: w.Clock.Truncate(time.Minute).Add(time.Duration(i-59) * time.Minute), Events: int64(rate * 60 * wave),
			P50: time.Duration(float64(p50) * wave), P99: time.Duration(float64(p99) * wave),
		})
	}
	return h
}

// Flow lets n more events take a way, as they do while people look.
func (w *World) Flow(workflow, topic string, n int64) {
	w.Mu.Lock()
	for i := range w.Ways {
		if h := &w.Ways[i]; h.Workflow == workflow && h.Topic == topic && !h.Undo {
			h.Events += n
			h.Minutes[len(h.Minutes)-1].Events += n
		}
	}
	w.Mu.Unlock()
	w.Onboard(User("Flow"))
}
