package onboarding_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/onboarding"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/services/events"
)

func lacks(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(page, text) {
			t.Errorf("the page has %q", text)
		}
	}
}

func TestFirstPaintIsComplete(t *testing.T) {
	page := consoletest.Populated().Read(t, "/")
	consoletest.Wants(t, page,
		"<th role=\"columnheader\">Provisioned</th>", "Ivar Solheim", "Design · ivar.solheim@example.com", "choosing a device", "granting",
		"Nordbook 16 · NB16-00422", "repo:write, ci:run, vpn", "mail accepted", "1.41 s", "overtook ", "dead letter · no policy grants anything to people",
		"9 users: <b>3 on the way</b>, 2 halted, 4 completed", "both ends · 1 in hand", "Next: <span class=\"soft\">Kaia Ben-Ami, Support</span>",
		"0–3 s", "Live, 0.1 s behind the log", "nothing survives a restart", "embedded broker 127.0.0.1:9092")
	lacks(t, page, "style=", "<script>", "onclick", "From here they all look the same")
}

func TestTraceOff(t *testing.T) {
	page := consoletest.Populated().Read(t, "/?trace=off")
	consoletest.Wants(t, page, "<th role=\"columnheader\">Complete</th>", "If something goes wrong half-way", "9 users: <b>5 not back yet</b>, 4 completed",
		"Five users have not come back. Three are merely on the way and two will not move again by themselves.", "begins and ends", "aria-checked=\"false\"")
	lacks(t, page, "Provisioned", "choosing a device", "in hand", "halted</", "Nordbook")
}

func TestTraceOffSaysWhoWaits(t *testing.T) {
	consoletest.Wants(t, consoletest.WithoutAuthorizer().Read(t, "/?trace=off"), "Three users have not come back. Three wait for the stopped authorizer.", "authorizer is stopped.")
}

func TestEmptyPage(t *testing.T) {
	w := consoletest.NewWorld()
	consoletest.Wants(t, w.Read(t, "/"), "No new users onboarded yet", "0 users")
	for range 2 {
		w.Hires.Next()
	}
	consoletest.Wants(t, w.Read(t, "/"), "No more new users to onboard.", "data-onboard disabled")
}

func TestClearHidesWhatIsOver(t *testing.T) {
	w := consoletest.NewWorld()
	early := w.Onboard(consoletest.User("early"))
	w.Complete(early, 100*time.Millisecond)
	halted := w.Onboard(consoletest.User("halted"))
	w.Halt(halted, "no stock")
	late := w.Onboard(consoletest.User("late"))
	for range 3 {
		w.Pass(late, time.Second)
	}
	_, server := consoletest.Serve(t, w.Config(t))
	page := consoletest.Fetch(t, server.URL+"/")
	_, link, found := strings.Cut(page, `id="clear" href="`)
	if !found {
		t.Fatal("there is nothing to clear")
	}
	link, _, _ = strings.Cut(link, `"`)
	page = consoletest.Fetch(t, server.URL+strings.ReplaceAll(link, "&amp;", "&"))
	consoletest.Wants(t, page, "halted@example.com", "late@example.com", "is cleared away", `href="/"`, "3 users: <b>1 on the way</b>, 1 halted, 1 completed")
	lacks(t, page, "early@example.com")
	w.Pass(late, time.Second) // over after the click: it stays
	consoletest.Wants(t, consoletest.Fetch(t, server.URL+strings.ReplaceAll(link, "&amp;", "&")), "late@example.com", "is-completed")
}

// What isn't over must not hide behind any number of cleared rows.
func TestClearShowsOldOpenSagas(t *testing.T) {
	w := consoletest.NewWorld()
	stuck := w.Onboard(consoletest.User("stuck"))
	for range onboarding.MaxRows + 5 {
		w.Clock = w.Clock.Add(time.Millisecond)
		w.Complete(w.Onboard(consoletest.User("over")), 0)
	}
	cleared := onboarding.View{Cleared: w.Clock.Add(time.Hour)}
	page := w.Read(t, cleared.URL())
	consoletest.Wants(t, page, "saga-"+stuck)
	lacks(t, page, "over@example.com")
}

func TestTableIsBoundedAndSaysSo(t *testing.T) {
	w := consoletest.NewWorld()
	for range onboarding.MaxRows + 5 {
		w.Clock = w.Clock.Add(time.Millisecond)
		w.Onboard(consoletest.User("ada"))
	}
	page := w.Read(t, "/")
	if n := strings.Count(page, `id="saga-`); n != onboarding.MaxRows {
		t.Errorf("%d rows", n)
	}
	consoletest.Wants(t, page, "The newest 200 are shown; all 205 are counted above.", "200&#43; in hand")
}

func TestMailboxAtFirstPaint(t *testing.T) {
	w := consoletest.Populated()
	page := w.Read(t, "/?mail=2")
	consoletest.Wants(t, page, "4 mails, kept in memory", "Dear Ada,", "<td>Device</td><td>Nordbook 16, serial NB16-00415</td>", "<td>Pick up</td>", `aria-current="true"`)
	page = w.Read(t, "/?mail=77")
	consoletest.Wants(t, page, "Mail 77 isn&#39;t here", "Greta Vantongeren")
	consoletest.Wants(t, consoletest.NewWorld().Read(t, "/?mail=open"), "No mail yet")
}

func TestStrangeInputIsShownAsText(t *testing.T) {
	w := consoletest.NewWorld()
	w.Onboard(events.NewUser{Name: `<script>alert(1)</script>`, Email: `"><img src=x>@example.com`, Department: "sales"})
	id := w.Onboard(consoletest.User("foreign"))
	w.Alter(id, func(s *tracker.Saga) { s.Steps[0].Payload = []byte("no JSON at all") })
	page := w.Read(t, "/")
	lacks(t, page, "<script>alert", "<img src=x")
	consoletest.Wants(t, page, "&lt;script&gt;alert(1)", "foreign@example.com")
}

func TestUnreachableBrokerIsSaid(t *testing.T) {
	w := consoletest.Populated()
	w.Behind = tracker.Lag{Since: time.Now().Add(-time.Minute)}
	consoletest.Wants(t, w.Read(t, "/"), "No answer from embedded broker 127.0.0.1:9092 since ", "No answer from the broker", "Ada Lindqvist")
}

func TestWithoutDemoThereIsNothingToPress(t *testing.T) {
	w := consoletest.Populated()
	cfg := w.Config(t)
	cfg.Demo = nil
	w.Known = []tracker.Service{
		{Name: "provisioner", Instances: []tracker.Instance{{Up: true}}},
		{Name: "authorizer", Instances: []tracker.Instance{{Up: false}}},
	}
	_, server := consoletest.Serve(t, cfg)
	page := consoletest.Fetch(t, server.URL+"/")
	consoletest.Wants(t, page, "Ada Lindqvist", "authorizer is stopped.", "notifier is not running.")
	lacks(t, page, "Onboard New User", "data-service", "open-mailbox", "Lag ")
	for _, path := range []string{"/api/v1/demo/hires", "/mailbox"} {
		if response := consoletest.Ask(t, console.New(cfg), "GET", path, "", nil); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
}

func TestAssets(t *testing.T) {
	_, server := consoletest.Serve(t, consoletest.NewWorld().Config(t))
	page := consoletest.Fetch(t, server.URL+"/")
	for _, name := range []string{"shell/main.js", "shell/mark.svg", "skald.css", "onboarding/page.js", "decide/page.js"} {
		_, rest, _ := strings.Cut(page, `="/assets/`)
		version, _, _ := strings.Cut(rest, "/")
		response, err := http.Get(server.URL + "/assets/" + version + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK || !strings.Contains(response.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %s", name, response.Status)
		}
	}
}
