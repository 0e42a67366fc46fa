package tracker

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/wire"
)

// heartbeat is an announcement of the notifier's.
func heartbeat(instance string, at time.Time, change func(*wire.Announcement)) wire.Announcement {
	a := wire.Announcement{
		Service: "notifier", Instance: instance, Time: at, Started: epoch, Every: 3000,
		Steps: []wire.Step{{Topic: "notify", Role: wire.RoleStep, Next: []string{"notified"}}},
	}
	if change != nil {
		change(&a)
	}
	return a
}

func (r *registry) hears(at time.Time, all ...wire.Announcement) (changed bool) {
	for _, a := range all {
		changed = r.add(a, a.Encode(), at) || changed
	}
	return changed
}

func owns(partitions ...int32) func(*wire.Announcement) {
	return func(a *wire.Announcement) { a.Partitions = partitions }
}

// What is told of instances follows what they say of themselves, and their silence.
func TestInstancesAreToldAsTheyAre(t *testing.T) {
	r := newRegistry()
	r.heartbeatsAreLive()
	r.hears(epoch, heartbeat("a", epoch, owns(0, 1)), heartbeat("b", epoch, owns(2, 3)))
	later := epoch.Add(30 * time.Second)
	if !r.hears(later, heartbeat("a", later, owns(0, 1, 2))) {
		t.Error("that an instance owns another partition is no news")
	}
	if !r.hears(later, heartbeat("c", later, func(a *wire.Announcement) {
		a.Partitions, a.Draining, a.Program, a.InHand, a.Handled, a.Started = []int32{3}, true, "v1.2.0", 7, 100, later
	})) {
		t.Error("a new instance is no news")
	}
	got := r.services(later, map[string]groupLag{"notifier": {"notify": {0: 5, 1: 6, 2: 7, 3: 8}}})
	want := []Service{{
		Name: "notifier", State: Up, Versions: []string{"v1.2.0"}, Partitions: []int32{0, 1, 2, 3}, Lag: 26, InHand: 7, Handled: 100,
		Topics: []TopicLag{{"notify", 26}},
		Instances: []Instance{
			{Name: "c", Up: true, State: Draining, Since: later, Started: later, LastSeen: later, Version: "v1.2.0", Partitions: []int32{3}, Lag: 8, InHand: 7, Handled: 100},
			{Name: "a", Up: true, State: Up, Since: epoch, Started: epoch, LastSeen: later, Partitions: []int32{0, 1, 2}, Lag: 18},
			{
				Name: "b", State: Down, Since: epoch, Started: epoch, LastSeen: epoch, Partitions: []int32{2, 3}, Lag: UnknownLag,
				TakenBy: []Takeover{{"a", []int32{2}}, {"c", []int32{3}}},
			},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wanted (-), told (+):\n%s", diff)
	}
	if got := r.services(later, nil)[0]; got.Lag != UnknownLag || got.Topics != nil || got.Instances[0].Lag != UnknownLag {
		t.Errorf("without a lag: %+v", got)
	}
}

// What an older Skald announces tells nothing of its work; and one that doesn't say what it drains since is told from when it says so.
func TestDrainsSinceItSaidSo(t *testing.T) {
	r := newRegistry()
	r.heartbeatsAreLive()
	for i := range 3 {
		at := epoch.Add(time.Duration(i) * time.Second)
		r.hears(at, heartbeat("a", at, func(a *wire.Announcement) { a.Draining = i > 0 }))
	}
	i := r.services(epoch.Add(3*time.Second), nil)[0].Instances[0]
	if i.State != Draining || !i.Since.Equal(epoch.Add(time.Second)) || !i.Up {
		t.Errorf("told: %+v", i)
	}
}

func TestOldInstancesLeaveTheList(t *testing.T) {
	r := newRegistry()
	r.heartbeatsAreLive()
	r.hears(epoch, heartbeat("a", epoch, nil), heartbeat("b", epoch, func(a *wire.Announcement) { a.Stopped = true }))
	for _, test := range []struct {
		after time.Duration
		want  []string
		state string
	}{
		{time.Second, []string{"a up", "b gone"}, Up},
		{listedGone - time.Second, []string{"a down", "b gone"}, Down},
		{listedGone, []string{"a down"}, Down},
		{listedSilent - time.Second, []string{"a down"}, Down},
		{listedSilent, nil, Gone},
	} {
		s := r.services(epoch.Add(test.after), nil)[0]
		var got []string
		for _, i := range s.Instances {
			got = append(got, i.Name+" "+i.State)
		}
		if !cmp.Equal(test.want, got) || s.State != test.state {
			t.Errorf("after %v: %q, %s; want %q, %s", test.after, got, s.State, test.want, test.state)
		}
	}
	// While Kafka doesn't answer nobody can be heard, and nobody leaves for it.
	r.reachable(false, epoch.Add(time.Second))
	if s := r.services(epoch.Add(2*listedSilent), nil)[0]; len(s.Instances) != 2 {
		t.Errorf("without Kafka: %+v", s)
	}
}

func TestRateIsThatOfTheLastMinute(t *testing.T) {
	r := newRegistry()
	r.heartbeatsAreLive()
	at, handled := epoch, int64(0)
	say := func(after time.Duration, more int64, started time.Time) float64 {
		at, handled = at.Add(after), handled+more
		r.hears(at, heartbeat("a", at, func(a *wire.Announcement) { a.Handled, a.Started = handled, started }))
		s := r.services(at, nil)[0]
		if s.Rate != s.Instances[0].Rate {
			t.Errorf("the service's rate is %g, its instance's %g", s.Rate, s.Instances[0].Rate)
		}
		return s.Rate
	}
	say(0, 1000, epoch)
	if rate := say(3*time.Second, 30, epoch); rate != 10 {
		t.Errorf("30 in 3 s: %g", rate)
	}
	for range 20 {
		say(3*time.Second, 60, epoch)
	}
	if rate := say(3*time.Second, 60, epoch); rate != 20 {
		t.Errorf("20 a second for a minute: %g", rate)
	}
	handled = 0
	if rate := say(3*time.Second, 5, epoch); rate != 0 {
		t.Errorf("after its counter began anew: %g", rate)
	}
	if rate := say(3*time.Second, 6, epoch); rate != 2 {
		t.Errorf("6 in 3 s after that: %g", rate)
	}
	if rate := say(3*time.Second, 6, at); rate != 0 {
		t.Errorf("after a restart: %g", rate)
	}
	if s := r.services(at.Add(time.Minute), nil)[0]; s.Rate != 0 || s.Instances[0].Rate != 0 {
		t.Errorf("of one that is down: %+v", s)
	}
}

func TestDeclarationsAreThoseOfWhoIsUp(t *testing.T) {
	r := newRegistry()
	r.heartbeatsAreLive()
	step := wire.Step{
		Topic: "notify", Role: wire.RoleStep, Next: []string{"notified", "refused"}, NextFor: []wire.Successor{{Workflow: "helpdesk", Topic: "told"}},
		Emits: []string{"audit"}, Compensable: true, Attempts: 5, UndoAttempts: 15,
	}
	old := heartbeat("old", epoch, func(a *wire.Announcement) { a.Steps, a.Program = []wire.Step{step}, "v1" })
	next := heartbeat("new", epoch, func(a *wire.Announcement) { a.Started, a.Program = epoch.Add(time.Second), "v2" })
	r.hears(epoch, old, next)
	newest := []Declaration{{Service: "notifier", Versions: []string{"v2", "v1"}, Steps: []DeclaredStep{
		{Role: wire.RoleStep, Topic: "notify", Next: []string{"notified"}},
	}}}
	if diff := cmp.Diff(newest, r.declarations(epoch)); diff != "" {
		t.Errorf("the newest of two that are up; wanted (-), told (+):\n%s", diff)
	}
	later := epoch.Add(time.Minute)
	old.Time = later
	r.hears(later, old)
	whole := []Declaration{{Service: "notifier", Versions: []string{"v1"}, Steps: []DeclaredStep{{
		Role: RoleRoute, Topic: "notify", Next: []string{"notified", "refused"}, NextFor: map[string]string{"helpdesk": "told"}, Emits: []string{"audit"},
		Compensates: true, Attempts: 5, UndoAttempts: 15,
	}}}}
	if diff := cmp.Diff(whole, r.declarations(later)); diff != "" {
		t.Errorf("the one that is up; wanted (-), told (+):\n%s", diff)
	}
	newest[0].Versions = []string{"v2"}
	if diff := cmp.Diff(newest, r.declarations(later.Add(time.Hour))); diff != "" {
		t.Errorf("none is up; wanted (-), told (+):\n%s", diff)
	}
}
