package failures_test

import (
	"path/filepath"
	"testing"

	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

// TestShots takes pictures of the page for people to look at: SKALD_SHOTS=/tmp/shots go test -run Shots.
func TestShots(t *testing.T) {
	if consoletest.Shots() == "" {
		t.Skip("set SKALD_SHOTS to a directory to get pictures")
	}
	w := failing()
	_, server := consoletest.Serve(t, w.Config(t))
	consoletest.Ask(t, server.Config.Handler, "POST", "/api/v1/causes/"+panicked+"/redrive", `{"limit":1,"by":"desk-2"}`, nil)
	b := consoletest.Browse(t)
	shoot := func(name, path string, width, height int64) {
		for _, scheme := range []string{"light", "dark"} {
			b.Do(consoletest.Emulate(width, height, map[bool]float64{true: 2, false: 1}[width == 390], scheme))
			b.Open(server.URL + path)
			b.Shot(filepath.Join(consoletest.Shots(), name+"-"+scheme+".png"))
		}
	}
	shoot("failures-canary", "/failures?cause="+panicked, 1440, 900)
	var oldest int64
	for _, l := range w.Log {
		if l.Cause == panicked && l.Status == tracker.LetterHalted {
			oldest = l.Offset
			break
		}
	}
	w.LettersBecome("completed", oldest)
	b.Open(server.URL + "/failures?cause=" + panicked)
	b.WaitText("#failures-flow", "passed")
	consoletest.Ask(t, server.Config.Handler, "POST", "/api/v1/causes/"+panicked+"/redrive", `{"by":"desk-2","rate":10}`, nil)
	b.WaitText("#failures-flow", "10 a second")
	b.Wait("parseInt(document.querySelectorAll('.three .figure')[1].textContent) >= 10")
	w.LettersBecome("completed", oldest+1, oldest+2, oldest+3, oldest+4, oldest+5, oldest+6)
	b.Wait("document.querySelectorAll('.three .figure')[2].textContent === '6'")
	consoletest.Ask(t, server.Config.Handler, "POST", "/api/v1/causes/"+panicked+"/redrive/pause", "", nil)
	for _, width := range []int64{1440, 390} {
		suffix := map[int64]string{1440: "", 390: "-390"}[width]
		shoot("failures"+suffix, "/failures?cause="+panicked, width, 900)
		shoot("failures-event"+suffix, "/failures?tab=event", width, 900)
		shoot("failures-letters"+suffix, "/failures?tab=letters&cause="+panicked, width, 900)
		shoot("failures-audit"+suffix, "/failures?tab=audit&cause="+panicked, width, 900)
		shoot("failures-none"+suffix, "/failures?state=discarded", width, 900)
	}
	b.Do(consoletest.Emulate(1440, 900, 1, "light"))
	b.Open(server.URL + "/failures?cause=" + greylisted)
	b.Click("#failures-top [data-run]")
	b.Wait("document.querySelector('#run').open")
	b.Shot(filepath.Join(consoletest.Shots(), "failures-discard-light.png"))
	_, nothing := consoletest.Serve(t, consoletest.NewWorld().Config(t))
	b.Open(nothing.URL + "/failures")
	b.Shot(filepath.Join(consoletest.Shots(), "failures-empty-light.png"))
}
