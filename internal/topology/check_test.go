package topology_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/topology"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestCheck(t *testing.T) {
	schema := func(topic string, version string) string { return "urn:skald:schema:" + topic + ":" + version }
	for name, test := range map[string]struct {
		declared []tracker.Declaration
		hops     []tracker.Hop
		want     []string
	}{
		"nothing":                  {},
		"onboarding":               {declared: onboarding()},
		"two workflows":            {declared: shared()},
		"thirty services":          {declared: chain(30)},
		"traffic that is declared": {declared: onboarding(), hops: []tracker.Hop{{Workflow: "onboarding", From: "authorizer", Topic: "notify", To: "notifier", Declared: true}}},
		"a watcher":                {declared: append(onboarding(), service("audit", watches("notify")))},
		"a branch that isn't read": {
			declared: []tracker.Declaration{
				service("desk", begins("w", "in", "out", "sort"), ends("w", "out")),
				service("sorter", step("sort", "left", "right")), service("lefty", step("left", "out")),
			},
			want: []string{"no-return true: sorter sends w to right, which no service takes it from: the saga doesn't return to desk."},
		},
		"a branch that ends elsewhere": {
			declared: []tracker.Declaration{
				service("desk", begins("w", "in", "out", "sort"), ends("w", "out")),
				service("sorter", step("sort", "left", "out")), service("lefty", step("left")),
			},
			want: []string{"no-return true: lefty takes left of w and sends nothing on: the saga doesn't return to desk."},
		},
		"a step for one workflow": {
			declared: append(onboarding(), service("helpdesk", begins("helpdesk", "new-ticket", "solved", "notify"), ends("helpdesk", "solved"))),
			want: []string{
				"no-return true: notifier sends helpdesk to notified, which no service takes it from: the saga doesn't return to helpdesk.",
				"unwritten false: helpdesk reads solved, which no service writes.",
			},
		},
		"no end": {
			declared: []tracker.Declaration{service("desk", begins("w", "in", "out", "work")), service("worker", step("work", "out"))},
			want:     []string{"no-return true: desk begins w and doesn't end it: it declares no End for out."},
		},
		"another one ends it": {
			declared: []tracker.Declaration{service("desk", begins("w", "in", "out", "work")), service("worker", step("work", "out")), service("thief", ends("w", "out"))},
			want: []string{
				"no-return true: desk begins w and doesn't end it: it declares no End for out.",
				"no-return true: thief ends w, which desk began: the saga doesn't return to its initiator.",
			},
		},
		"a circle": {
			declared: []tracker.Declaration{
				service("desk", begins("w", "in", "out", "a"), ends("w", "out")), service("ping", step("a", "b")), service("pong", step("b", "a")),
			},
			want: []string{
				"no-return true: From in on w only goes round in circles: no branch there leads to out, so the saga doesn't return to desk.",
				"unwritten false: desk reads out, which no service writes.",
			},
		},
		"a circle that one can leave": {
			declared: []tracker.Declaration{
				service("desk", begins("w", "in", "out", "a"), ends("w", "out")), service("ping", step("a", "b")), service("pong", step("b", "a", "out")),
			},
		},
		"two initiators": {
			declared: append(onboarding(), service("second", begins("onboarding", "new-user-2", "notified", "authorize"), ends("onboarding", "notified"))),
			want: []string{
				"initiators true: Both provisioner and second begin onboarding: one service must begin and end it.",
				"no-return true: provisioner ends onboarding, which second began: the saga doesn't return to its initiator.",
			},
		},
		"a fork": {
			declared: append(onboarding(), service("copycat", step("notify", "notified"))),
			want:     []string{"forked true: copycat and notifier all take notify of onboarding: the saga would go on twice."},
		},
		"an undeclared hop": {
			declared: onboarding(),
			hops:     []tracker.Hop{{From: "notifier", Topic: "sms-out", Events: 14}, {Workflow: "onboarding", Topic: "authorize", To: "authorizer"}},
			want: []string{
				"undeclared true: Someone from outside sends to authorize, which authorizer takes: that isn't declared.",
				"undeclared true: notifier sends to sms-out, and nobody has declared to read it.",
			},
		},
		"what nobody reads, writes or needs": {
			declared: append(onboarding(), service("idle", step("nowhere", "nobody"), watches("nothing"))),
			want: []string{
				"unread false: idle writes nobody, and no service reads it.",
				"unwritten false: idle reads nothing, which no service writes.",
				"unwritten false: idle reads nowhere, which no service writes.",
			},
		},
		"a step that nobody leads to": {
			declared: append(onboarding(), service("lone", step("x", "y")), service("lone2", step("y", "x"))),
			want:     []string{"unreached false: No workflow leads to the step of lone on x.", "unreached false: No workflow leads to the step of lone2 on y."},
		},
		"an older schema": {
			declared: []tracker.Declaration{
				service("desk", begins("w", "in", "out", "work"), ends("w", "out")),
				service("worker", tracker.DeclaredStep{Role: "step", Topic: "work", Next: []string{"more"}, OutputSchema: schema("more", "2")}),
				service("late", tracker.DeclaredStep{Role: "step", Topic: "more", Next: []string{"out"}, InputSchema: schema("more", "1")}),
			},
			want: []string{"old-schema true: worker writes version 2 of more, late knows version 1: such events become dead letters. Roll late out."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := texts(topology.Build(test.declared, test.hops))
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			reversed := slices.Clone(test.declared)
			slices.Reverse(reversed)
			if again := texts(topology.Build(reversed, test.hops)); !slices.Equal(again, got) {
				t.Errorf("in another order it finds\n%s", strings.Join(again, "\n"))
			}
		})
	}
}

func TestNextForOneWorkflow(t *testing.T) {
	declared := append(onboarding(), service("helpdesk", begins("helpdesk", "new-ticket", "solved", "notify"), ends("helpdesk", "solved")))
	declared[2].Steps[0].NextFor = map[string]string{"helpdesk": "solved"}
	g := topology.Build(declared, nil)
	if got := texts(g); len(got) > 0 {
		t.Error(got)
	}
	for _, w := range g.Ways {
		if w.Topic == "solved" && (w.From != "notifier" || w.To != "helpdesk" || w.Role != topology.End || len(w.Workflows) != 1) {
			t.Errorf("%+v", w)
		}
	}
	if got := g.Service("notifier").Serves; !slices.Equal(got, []string{"helpdesk", "onboarding"}) {
		t.Error(got)
	}
}
