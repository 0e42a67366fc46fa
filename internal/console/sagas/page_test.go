package sagas_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/sagas"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

func TestFirstPaintIsComplete(t *testing.T) {
	page := crowded().Read(t, "/sagas?order=oldest")
	consoletest.Wants(t, page,
		"<b>68 on the way</b>", "1 overdue", "1 stuck", "Halted</span></span> <b>1</b>", "<b>80</b> match", "1–50 of 80, oldest first", "Younger",
		"cleo.marchetti@example.com", "redrive: notifier gave up after 8 attempts, SMTP 451 try again later", "at notifier, 2 of 4 hops done",
		"a person: undo at provisioner failed 12 times, device NB16-00417", "on the way back, at provisioner", "came home after 4 hops",
		"notifier: attempt 3 of 8 ", "in 29 min", "notifier pauses: dial tcp", "; to be cancelled", ", usually 0.90 s", "1 h 0 min over", "#i-overdue", "#i-stuck",
		"Rejected after 1.01 s: no policy grants anything to people", "aria-sort=\"descending\"", "Outcomes per minute of the last hour: 10 completed, 2 otherwise")
	for _, no := range []string{"style=", "<script>", "onclick"} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q", no)
		}
	}
}

// What services and producers send is text.
func TestNamesAreText(t *testing.T) {
	w := consoletest.NewWorld()
	id := w.Onboard(consoletest.User("Ada"))
	w.Alter(id, func(s *tracker.Saga) {
		s.Subject, s.Workflow = `<img src=x onerror=1>"`+strings.Repeat("x", 100_000), "<b>"
	})
	w.Halt(id, "<i>\x00\x1b[2J"+strings.Repeat("e", 1<<20))
	page := w.Read(t, "/sagas")
	consoletest.Wants(t, page, "&lt;img src=x onerror=1&gt;", "&lt;i&gt;")
	if strings.Contains(page, "<img") || strings.Contains(page, "<i>") || len(page) > 50_000 {
		t.Errorf("%d bytes", len(page))
	}
}

func TestFiltersAndPages(t *testing.T) {
	w := crowded()
	w.Headers[w.Newest()] = []string{"tenant=acme"}
	rows := regexp.MustCompile(`<tr id="saga-`)
	for query, want := range map[string]int{
		"": 50, "status=halted": 1, "status=open&service=notifier": 3, "status=ended": 12, "status=open&topic=new-user": 42, "overdue=true": 1, "stuck=true": 1, "older_than=24h": 1,
		"older_than=1d": 1, "younger_than=1h": 50, "q=cleo": 1, "q=tenant%3Dacme": 1, "workflow=payroll": 0, "status=retrying": 1, "workflow=&status=": 50,
		"started_before=2001-01-01T00:00:00Z": 0, "cursor=50&from=51": 30, "order=oldest&cursor=50&from=51": 30,
	} {
		if n := len(rows.FindAllString(w.Read(t, "/sagas?"+query), -1)); n != want {
			t.Errorf("%s: %d rows, want %d", query, n, want)
		}
	}
	page := w.Read(t, "/sagas?cursor=50&from=51&status=open")
	consoletest.Wants(t, page, "51–68 of 68, youngest first", "First page", `href="/sagas?status=open"`)
}

// A cause is one of the filters: its chip says it in words, and what is exported is what is selected.
func TestSagasOfACause(t *testing.T) {
	w := crowded()
	id := w.Newest()
	w.AddLetter(tracker.Letter{Partition: 1, Offset: 77, SagaID: id, Service: "notifier", Step: "notify", Error: "SMTP 451 <again>", Cause: "0123456789ab", Status: tracker.LetterHalted}, "{}")
	page := w.Read(t, "/sagas?cause=0123456789ab&order=oldest")
	consoletest.Wants(t, page, "<b>1</b> match", `id="saga-`+id, "notifier, SMTP 451 &lt;again&gt;", `<input type="hidden" name="cause" value="0123456789ab">`,
		`href="/api/v1/sagas/export?cause=0123456789ab&amp;format=csv&amp;order=oldest" download`, "&#34;cause&#34;:&#34;0123456789ab&#34;")
	consoletest.Wants(t, w.Read(t, "/sagas?cause=ffffffffffff"), "No saga matches", "failed by", "ffffffffffff")
}

func TestGarbledViews(t *testing.T) {
	h := console.New(crowded().Config(t))
	t.Cleanup(h.Close)
	for query, field := range map[string]string{
		"stauts=halted": "query.stauts", "status=lost": "query.status", "status=halted&status=open": "query.status", "order=best": "query.order",
		"older_than=old": "query.older_than", "older_than=-3s": "query.older_than", "younger_than=99999d": "query.younger_than", "overdue=perhaps": "query.overdue", "stuck=very": "query.stuck",
		"started_after=noon": "query.started_after", "started_before=1": "query.started_before", "cursor=x&from=2": "query.cursor", "from=2": "query.from",
		"from=x": "query.from", "cursor=50": "query.from", "q=ab": "query.q", "cause=x": "query.cause", "format=csv": "query.format", "rows=1": "query.rows",
	} {
		var got consoletest.Problem
		answer := consoletest.Ask(t, h, "GET", "/sagas?"+query, "", &got)
		if answer.StatusCode != http.StatusBadRequest || len(got.Errors) != 1 || got.Errors[0].Location != field {
			t.Errorf("%s: %d %+v", query, answer.StatusCode, got)
		}
	}
	var got consoletest.Problem
	for _, rows := range []string{"x", strings.Repeat("6ba7b810-9dad-11d1-80b4-00c04fd430c8,", 50) + "6ba7b810-9dad-11d1-80b4-00c04fd430c8"} {
		answer := consoletest.Ask(t, h, "GET", "/sagas/live?rows="+url.QueryEscape(rows), "", &got)
		if answer.StatusCode != http.StatusBadRequest || got.Errors[0].Location != "query.rows" {
			t.Errorf("rows=%.50s: %d %+v", rows, answer.StatusCode, got)
		}
	}
}

func TestEmptyPlaces(t *testing.T) {
	consoletest.Wants(t, consoletest.NewWorld().Read(t, "/sagas"), "No sagas yet", "skald start WORKFLOW JSON")
	page := crowded().Read(t, "/sagas?status=blocked&service=notifier")
	consoletest.Wants(t, page, "No saga matches", "2 filters are on.", "Without <b>status blocked</b>, 3 would match.", `href="/sagas?service=notifier"`)
	consoletest.Wants(t, crowded().Read(t, "/sagas?q=nobody"), "1 filter is on.", "Without <b>search nobody</b>, 80 would match.")
}

// patch is what a stream sends.
type patch struct {
	Parts map[string]string `json:"parts"`
}

// follow opens the stream of a page.
func follow(t *testing.T, w *consoletest.World, path string) *consoletest.Stream {
	t.Helper()
	_, server := consoletest.Serve(t, w.Config(t))
	page := consoletest.Fetch(t, server.URL+path)
	live := regexp.MustCompile(`data-live="([^"]*)"`).FindStringSubmatch(page)[1]
	return consoletest.Follow(t, server.URL+strings.ReplaceAll(live, "&amp;", "&"), "")
}

// until reads patches until a part has a text.
func until(t *testing.T, s *consoletest.Stream, part, text string) {
	t.Helper()
	for {
		p := consoletest.Decoded[patch](t, s.Next("patch").Data)
		if strings.Contains(p.Parts[part], text) {
			return
		}
	}
}

func TestRowsChangeInPlace(t *testing.T) {
	w := consoletest.NewWorld()
	id := w.Onboard(consoletest.User("Ada"))
	s := follow(t, w, "/sagas?status=open")
	until(t, s, "saga-"+id, "provisioner: queued")
	w.Pass(id, time.Second)
	until(t, s, "saga-"+id, "authorizer: queued")
	w.Alter(id, func(s *tracker.Saga) {
		s.Status, s.Outcome, s.Ended = wire.Completed, wire.Completed, s.Started.Add(time.Second)
	})
	until(t, s, "saga-"+id, "no longer matches")
	w.Onboard(consoletest.User("Bo"))
	until(t, s, "newer", "1 more matches. Show")
	w.Onboard(consoletest.User("Cleo"))
	until(t, s, "newer", "2 more match. Show")
	w.Mu.Lock()
	n := w.Queries
	w.Mu.Unlock()
	if n > 30 {
		t.Errorf("%d lists were read for a page that is looked at for seconds", n)
	}
}

func TestNewerOnes(t *testing.T) {
	w := crowded()
	s := follow(t, w, "/sagas")
	w.Clock = w.Clock.Add(time.Second)
	for range 60 {
		w.Onboard(consoletest.User("new"))
	}
	until(t, s, "newer", "60 newer match. Show")
}

func TestHopsFromDeclarations(t *testing.T) {
	step := func(role, workflow, topic, end string, next ...string) tracker.DeclaredStep {
		return tracker.DeclaredStep{Role: role, Workflow: workflow, Topic: topic, EndTopic: end, Next: next}
	}
	generic := step(wire.RoleStep, "", "b", "", "nowhere")
	generic.NextFor = map[string]string{"two": "d"}
	got := sagas.HopsOf([]tracker.Declaration{
		{Service: "x", Steps: []tracker.DeclaredStep{step(wire.RoleBegin, "two", "a", "d", "b"), step(wire.RoleBegin, "short", "s", "e", "e")}},
		{Service: "y", Steps: []tracker.DeclaredStep{generic, step(wire.RoleBegin, "round", "r", "z", "r2"), step(wire.RoleStep, "", "r2", "", "r2")}},
		{Service: "z", Steps: []tracker.DeclaredStep{step(wire.RoleBegin, "choice", "c", "z", "c1", "c2"), step(wire.RoleBegin, "gap", "g", "z", "unread")}},
	})
	if diff := cmp.Diff(map[string]int{"two": 3, "short": 2}, got); diff != "" {
		t.Error(diff)
	}
	if got := sagas.HopsOf(consoletest.NewWorld().Steps); got["onboarding"] != 4 {
		t.Error(got)
	}
}
