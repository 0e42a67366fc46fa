package services_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"go.uber.org/goleak"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fleet is a world with services of all states, one of which two workflows share.
func fleet() *consoletest.World {
	w := consoletest.NewWorld()
	began := time.Now().Add(-4 * time.Hour)
	up := func(name string, lag, inHand int64, partitions ...int32) tracker.Instance {
		return tracker.Instance{Name: name, Up: true, State: tracker.Up, Since: began, Started: began, LastSeen: time.Now(), Version: "v0.4.3", Partitions: partitions, Lag: lag, InHand: inHand, Rate: 17}
	}
	silent := tracker.Instance{
		Name: "notifier-2", State: tracker.Down, Since: time.Now().Add(-41 * time.Second), Started: began, Version: "v0.4.3", Partitions: []int32{4, 5, 6, 7},
		Lag: tracker.UnknownLag, TakenBy: []tracker.Takeover{{Instance: "notifier-1", Partitions: []int32{4, 5}}, {Instance: "notifier-3", Partitions: []int32{6, 7}}},
	}
	rolling := up("helpdesk-2", 0, 31, 6, 7)
	rolling.State, rolling.Version = tracker.Draining, "v1.0.9"
	w.Known = []tracker.Service{
		{Name: "authorizer", State: tracker.Up, Versions: []string{"v0.4.3"}, Partitions: []int32{0, 1}, Lag: 3, InHand: 424, Rate: 48, Instances: []tracker.Instance{up("authorizer-1", 3, 424, 0, 1)}},
		{Name: "helpdesk", State: tracker.Up, Versions: []string{"v1.1.0", "v1.0.9"}, Lag: tracker.UnknownLag, Rate: 0.3, Instances: []tracker.Instance{up("helpdesk-1", 0, 30, 0), rolling}},
		{Name: "notifier", State: tracker.Up, Versions: []string{"v0.4.3"}, Partitions: []int32{0, 1, 2}, Lag: 1402, InHand: 1348, Rate: 34, Instances: []tracker.Instance{up("notifier-1", 690, 671, 0, 1), silent, up("notifier-3", 712, 677, 2)}},
		{Name: "provisioner", State: tracker.Gone, Lag: tracker.UnknownLag, Instances: []tracker.Instance{{Name: "<b>odd</b>", State: tracker.Gone, Since: began, Lag: tracker.UnknownLag}}},
	}
	w.Steps = []tracker.Declaration{
		{Service: "provisioner", Steps: []tracker.DeclaredStep{{Role: wire.RoleBegin, Workflow: "onboarding", Topic: "new-user", Next: []string{"authorize"}}, {Role: wire.RoleEnd, Workflow: "onboarding", Topic: "notified"}}},
		{Service: "authorizer", Steps: []tracker.DeclaredStep{{Role: wire.RoleStep, Topic: "authorize", Next: []string{"notify"}, NextFor: map[string]string{"helpdesk": "assign"}}}},
		{Service: "notifier", Steps: []tracker.DeclaredStep{{Role: wire.RoleStep, Topic: "notify", Next: []string{"notified"}}}},
		{Service: "helpdesk", Steps: []tracker.DeclaredStep{{Role: wire.RoleWatch, Topic: "notify"}}},
	}
	minutes := make([]tracker.HopMinute, 60)
	for i := range minutes {
		minutes[i] = tracker.HopMinute{Start: began.Add(time.Duration(i) * time.Minute), Events: int64(2000 + i%7*200)}
	}
	w.Ways = []tracker.Hop{
		{Workflow: "onboarding", From: "provisioner", Topic: "authorize", To: "authorizer", Events: 870, Rate: 42, P50: 280 * time.Millisecond, P99: 2100 * time.Millisecond, Minutes: minutes, Retrying: 46, Halted: 47},
		{Workflow: "helpdesk", From: "helpdesk", Topic: "authorize", To: "authorizer", Events: 130, Rate: 6, P50: 220 * time.Millisecond, P99: 1800 * time.Millisecond, Minutes: minutes},
		{Workflow: "onboarding", From: "authorizer", Topic: "notify", To: "notifier", Events: 700, Rate: 34, P99: 41 * time.Second, Minutes: minutes},
	}
	return w
}

func get(t *testing.T, w *consoletest.World, path string) string {
	t.Helper()
	_, server := consoletest.Serve(t, w.Config(t))
	return consoletest.Fetch(t, server.URL+path)
}

func TestServicesAreTold(t *testing.T) {
	page := get(t, fleet(), "/services")
	for _, want := range []string{
		"4 services", "7 instances", "begins and ends onboarding", "authorize → assign, notify", "watches notify", "1 of 3 down", "rolling", "draining", "v1.1.0, v1.0.9",
		"notifier-2 has been silent since ", "Its 4 partitions went to notifier-1 and notifier-3. Nothing is lost.", `href="/sagas?service=notifier">Sagas at notifier</a>`, "1,402", "0.3/s", "41.0 s", "87 : 13",
		`<td>onboarding</td><td class="num">42/s</td><td class="num">87 %</td>`, "&lt;b&gt;odd&lt;/b&gt;", `aria-current="page"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page doesn't have %q", want)
		}
	}
	if strings.Contains(page, "<b>odd") || strings.Contains(page, "style=") {
		t.Error("markup from outside, or a style")
	}
	if empty := get(t, consoletest.NewWorld(), "/services?window=1h"); !strings.Contains(empty, "No service has reported itself") {
		t.Error("an empty page doesn't say why")
	}
}

func TestParametersAreChecked(t *testing.T) {
	h := console.New(fleet().Config(t))
	for path, location := range map[string]string{
		"/services?window=2h": "query.window", "/services?windwo=5m": "query.windwo", "/services/live?window=x": "query.window",
	} {
		var p consoletest.Problem
		if got := consoletest.Ask(t, h, "GET", path, "", &p); got.StatusCode != http.StatusBadRequest || len(p.Errors) != 1 || p.Errors[0].Location != location {
			t.Errorf("%s: %d %+v", path, got.StatusCode, p)
		}
	}
}

func TestInBrowser(t *testing.T) {
	w := fleet()
	_, server := consoletest.Serve(t, w.Config(t))
	b := consoletest.Browse(t)
	for _, width := range []int64{1440, 390} {
		for _, scheme := range []string{"light", "dark"} {
			b.Do(consoletest.Emulate(width, 900, 1, scheme))
			b.Open(server.URL + "/services")
			b.Axe(t, "/services "+scheme)
			b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
			if dir := consoletest.Shots(); dir != "" {
				b.Shot(filepath.Join(dir, "services-"+scheme+map[int64]string{1440: "", 390: "-390"}[width]+".png"))
			}
		}
	}
	b.Do(consoletest.Emulate(1440, 900, 1, "light"))
	b.Open(server.URL + "/")
	b.Press("gv")
	b.Do(chromedp.WaitVisible("#fleet"))
	b.Wait("document.documentElement.dataset.patches > 0")
	b.Click(".segments a[href*='1h']")
	b.Wait("location.search === '?window=1h' && document.querySelector('.segments [aria-current]').textContent === '1 h'")
	now := fleet().Known // anew, as pages still read what was known
	now[2].Instances[1].State, now[2].Instances[1].Up = tracker.Up, true
	w.Mu.Lock()
	w.Known = now
	w.Mu.Unlock()
	w.Onboard(consoletest.User("Ada")) // any change brings the page up to date
	b.Wait("!document.querySelector('#services-down .banner')")
	b.Do(chromedp.Navigate("about:blank"))
}
