package topology_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/topology"
	"github.com/skald-saga/skald/internal/tracker"
)

// worlds are all that is drawn.
func worlds() map[string]*topology.Graph {
	odd := "<script>\"&'\x00\x1b[2J]]>\u202e" + strings.Repeat("ö", 80)
	routed := []tracker.Declaration{
		service("desk", begins("tickets", "opened", "closed", "sort"), ends("tickets", "closed")),
		service("sorter", step("sort", "billing", "technical", "spam")), service("accountant", step("billing", "answer")),
		service("engineer", step("technical", "answer", "billing")), service("writer", step("answer", "closed")), service("judge", step("spam", "closed")),
	}
	branching := append(shared(), service("audit", watches("notify")), service("audit-2", watches("notified")))
	branching = append(branching, service("loner", step("x", "y")), service("newsletter", tracker.DeclaredStep{Role: "begin", Workflow: "news", Topic: "issue", EndTopic: "notified", Next: []string{"notify"}, Emits: []string{"stats", "more-stats"}}, ends("news", "notified")))
	selfish := []tracker.Declaration{service("solo", begins("alone", "go", "done", "done"), ends("alone", "done"))}
	return map[string]*topology.Graph{
		"nothing":    topology.Build(nil, nil),
		"onboarding": topology.Build(onboarding(), traffic()),
		"shared":     topology.Build(shared(), traffic()),
		"branching":  topology.Build(branching, traffic()),
		"routed":     topology.Build(routed, nil),
		"selfish":    topology.Build(selfish, nil),
		"thirty":     topology.Build(chain(30), nil),
		"odd names":  topology.Build([]tracker.Declaration{service(odd, begins(odd, odd, odd+"2", odd+"3"), ends(odd, odd+"2")), service("b", step(odd+"3", odd+"2"))}, nil),
	}
}

func traffic() []tracker.Hop {
	ms := time.Millisecond
	return []tracker.Hop{
		{Workflow: "onboarding", Topic: "new-user", To: "provisioner", Declared: true, Events: 12600, Rate: 42, P50: 310 * ms, P99: 900 * ms},
		{Workflow: "onboarding", From: "authorizer", Topic: "notify", To: "notifier", Declared: true, Events: 12600, Rate: 42, P50: 3900 * ms, P99: 41000 * ms, Stuck: 12},
		{From: "notifier", Topic: "sms-out", Events: 14, Rate: 14.0 / 3600},
		{Workflow: "onboarding", From: "notifier", Topic: "authorize", To: "authorizer", Undo: true, Events: 3},
	}
}

// Boxes and topics must not lie on one another, and everything lies within the drawing.
func TestNothingOverlaps(t *testing.T) {
	for name, g := range worlds() {
		l := topology.Lay(g)
		type rect struct {
			what           string
			x0, y0, x1, y1 float64
		}
		var all []rect
		for _, b := range l.Boxes {
			all = append(all, rect{b.Service.Name, b.X, b.Y, b.X + b.Width, b.Y + b.Height})
		}
		for _, p := range l.Pills {
			all = append(all, rect{p.Topic.Name, p.X - p.Width/2, p.Y - p.Height/2, p.X + p.Width/2, p.Y + p.Height/2})
		}
		if len(l.Boxes) != len(g.Services) || len(l.Pills) != len(g.Topics) {
			t.Errorf("%s: %d of %d services and %d of %d topics are drawn", name, len(l.Boxes), len(g.Services), len(l.Pills), len(g.Topics))
		}
		for i, a := range all {
			if a.x0 < 0 || a.y0 < 0 || a.x1 > l.Width || a.y1 > l.Height {
				t.Errorf("%s: %s is outside of %g × %g: %+v", name, a.what, l.Width, l.Height, a)
			}
			for _, b := range all[:i] {
				if a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1 {
					t.Errorf("%s: %s lies on %s: %+v %+v", name, a.what, b.what, a, b)
				}
			}
		}
	}
}

func TestALoopIsDrawnAsALoop(t *testing.T) {
	l := topology.Lay(topology.Build(onboarding(), nil))
	at := map[string][2]float64{}
	for _, b := range l.Boxes {
		at[b.Service.Name] = [2]float64{b.X + b.Width/2, b.Y + b.Height}
	}
	for _, p := range l.Pills {
		at[p.Topic.Name] = [2]float64{p.X, p.Y}
	}
	order := []string{"provisioner", "authorize", "authorizer", "notify", "notifier"}
	if !slices.IsSortedFunc(order, func(a, b string) int { return int(at[a][0] - at[b][0]) }) {
		t.Errorf("the way there doesn't go from left to right: %v", at)
	}
	if home := at["notified"]; home[1] < at["provisioner"][1] || home[1] < at["notifier"][1] || home[0] < at["provisioner"][0] || home[0] > at["notifier"][0] {
		t.Errorf("the way home isn't along the bottom: %v", at)
	}
	if at["new-user"][1] > at["provisioner"][1] {
		t.Errorf("the start isn't on top: %v", at)
	}
	for _, a := range l.Arcs {
		if strings.Contains(a.D, "NaN") || a.D == "" || a.Arrow == "" {
			t.Errorf("%+v", a)
		}
	}
}

// What is drawn depends on what is declared, not on its order; traffic that is declared moves nothing.
func TestTheSameGraphIsDrawnTheSame(t *testing.T) {
	declared := shared()
	want := topology.Lay(topology.Build(declared, nil)).SVG(topology.Look{Alone: true})
	slices.Reverse(declared)
	if got := topology.Lay(topology.Build(declared, traffic()[:2])).SVG(topology.Look{Alone: true}); strings.ReplaceAll(got, "data-events", "") != strings.ReplaceAll(want, "data-events", "") {
		t.Error("another drawing")
	}
}

func TestFilesAreWellFormed(t *testing.T) {
	dir := os.Getenv("SKALD_SHOTS")
	for name, g := range worlds() {
		said := topology.Say(g, []tracker.Service{{Name: "notifier", Topics: []tracker.TopicLag{{Topic: "notify", Lag: 1402}}, Instances: []tracker.Instance{{Up: true}, {State: tracker.Down}, {State: tracker.Gone}}}})
		for _, alone := range []bool{true, false} {
			svg := topology.Lay(g).SVG(topology.Look{
				Workflow: "onboarding", Said: said, Alone: alone,
				Service: func(s string) string { return "/services#" + s }, Hop: func(topic, to string) string { return "?hop=" + topic + "/" + to },
			})
			d := xml.NewDecoder(strings.NewReader(svg))
			for {
				if _, err := d.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if strings.Contains(svg, "<script") || strings.Contains(svg, "style=") || strings.Contains(svg, "NaN") || strings.ContainsRune(svg, 0x1b) {
				t.Errorf("%s: %s", name, svg)
			}
			if alone && dir != "" {
				if err := os.WriteFile(filepath.Join(dir, "map-file-"+strings.ReplaceAll(name, " ", "-")+".svg"), []byte(svg), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestFiguresAreSaid(t *testing.T) {
	g := topology.Build(shared(), traffic())
	said := topology.Say(g, []tracker.Service{{
		Name: "notifier", Topics: []tracker.TopicLag{{Topic: "notify", Lag: 1402}}, Instances: []tracker.Instance{{Up: true}, {State: tracker.Down}, {State: tracker.Gone}},
	}, {Name: "authorizer", Instances: []tracker.Instance{{State: tracker.Down}}}})
	for got, want := range map[string]string{
		said.Topics["notify"].Text:                     "42/s · lag 1,402",
		said.Topics["notified"].Text:                   "0/s come home",
		said.Topics["sms-out"].Text:                    "14/h, undeclared",
		said.Services["notifier"].Count:                "1 of 2",
		said.Services["notifier"].State:                topology.Partly,
		said.Services["notifier"].Lines[0]:             "p50 3.90 s · p99 41.0 s",
		said.Services["notifier"].Lines[1]:             "serves 2 workflows",
		said.Services["authorizer"].State:              topology.Down,
		said.Services["helpdesk"].Lines[1]:             "begins and ends helpdesk",
		strconv.Itoa(int(said.Topics["notify"].Stuck)): "12",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMermaid(t *testing.T) {
	declared := append(shared(), service("audit", watches("notify")))
	//nolint:dupword // lines end and begin with the same node
	want := `flowchart LR
  s0["audit"]
  s1["authorizer"]
  s2["notifier"]
  s3["provisioner"]
  t4(["authorize"])
  t5(["new-user"])
  t6(["notified"])
  t7(["notify"])
  s3 --> t4
  t4 --> s1
  t5 --> s3
  s2 --> t6
  t6 --> s3
  s1 --> t7
  t7 -.-> s0
  t7 --> s2
  style s3 stroke-width:3px
`
	if got := topology.Build(declared, nil).Mermaid("onboarding"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	all := topology.Build(append(declared, service(`a"]<b>`, step("x", "y"))), traffic()).Mermaid("")
	for _, part := range []string{`["a#34;#93;#60;b#62;"]`, "-. undeclared .->", `["helpdesk"]`} {
		if !strings.Contains(all, part) {
			t.Errorf("%s is not in\n%s", part, all)
		}
	}
}

func TestTheWatcherOfWhatIsEmittedIsDeclared(t *testing.T) {
	notifier := step("notify", "notified")
	notifier.Emits = []string{"stats"}
	declared := onboarding()
	declared[2] = service("notifier", notifier)
	declared = append(declared, service("statistics", watches("stats")))
	g := topology.Build(declared, []tracker.Hop{{From: "notifier", Topic: "stats", Events: 3, Rate: .01}})
	if got := texts(g); len(got) > 0 {
		t.Error(got)
	}
}
