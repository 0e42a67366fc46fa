package chart_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

func TestBrowser(t *testing.T) {
	b := consoletest.Browse(t)
	for name, test := range map[string]func(*testing.T, *consoletest.Tab, *consoletest.World, string){
		"views":          testViews,
		"tokens":         testTokens,
		"keys":           testKeys,
		"looks":          testLooks,
		"reduced motion": testStill,
		"lost and found": testLost,
	} {
		t.Run(name, func(t *testing.T) {
			w := consoletest.Mapped()
			_, server := consoletest.Serve(t, w.Config(t))
			test(t, &consoletest.Tab{T: t, Ctx: b.Ctx}, w, server.URL)
			b.Do(chromedp.Navigate("about:blank")) // lets go of the server
		})
	}
}

// Workflows, hops and windows are links that change the page in place.
func testViews(_ *testing.T, b *consoletest.Tab, _ *consoletest.World, address string) {
	b.Do(consoletest.Emulate(1440, 900, 1, "light"))
	b.Open(address + "/map")
	b.Click(".map-bar a[href*='workflow=onboarding']")
	b.Wait("location.search === '?workflow=onboarding' && document.querySelector('#map-svg .strand.dim')")
	b.Click("#map-svg a[aria-label^='topic notify:']")
	b.WaitText("#map-hop", "Twelve sagas are stuck here.")
	b.IsTrue("location.search.includes('hop=notify%2Fnotifier') && location.search.includes('workflow=onboarding')")
	b.Click(".head .segments a[href*='window=1h']")
	b.Wait("location.search.includes('window=1h') && document.querySelector('#map-hop .spark')")
	b.Click("#map-hop [aria-label=Close]")
	b.Wait("!location.search.includes('hop=') && document.querySelector('#map-hop h2').textContent === 'onboarding'")
	b.Click("#map-hops a[href*='sms-out']")
	b.WaitText("#map-hop", "nobody has declared to read it")
	b.Do(chromedp.NavigateBack())
	b.Wait("document.querySelector('#map-hop h2').textContent === 'onboarding'")
}

// What changes is seen without a reload, and a token travels for it. Patches leave it on its way.
func testTokens(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address + "/map?workflow=onboarding&hop=authorize/authorizer")
	b.Wait("document.querySelector('#map-svg [data-events]')")
	w.Flow("onboarding", "authorize", 3)
	b.Wait("document.querySelector('#map-tokens .token animateMotion mpath[href^=\"#way-\"]')")
	w.Mu.Lock()
	w.Ways[5].Stuck = 7
	w.Mu.Unlock()
	w.Onboard(consoletest.User("Ada"))
	b.WaitText("#map-hop", "Seven sagas are stuck here.")
	b.WaitText("#map-svg", "7 stuck")
}

func testStill(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	b.Do(consoletest.Reduced())
	b.Open(address + "/map")
	w.Flow("onboarding", "authorize", 3)
	w.Mu.Lock()
	w.Ways[5].Stuck = 7
	w.Mu.Unlock()
	w.Onboard(consoletest.User("Ada"))
	b.WaitText("#map-svg", "7 stuck")
	b.IsTrue("document.querySelector('#map-tokens').childElementCount === 0")
	b.Do(consoletest.Emulate(1440, 900, 1, "light"))
}

// The keyboard alone gets to the page, into a hop and out of it.
func testKeys(_ *testing.T, b *consoletest.Tab, _ *consoletest.World, address string) {
	b.Open(address + "/")
	b.Press("gm")
	b.Do(chromedp.WaitVisible("#map-svg"))
	b.Wait("document.documentElement.dataset.patches > 0")
	b.Do(chromedp.Focus("#map-svg a[aria-label^='topic authorize:']"))
	b.Press(kb.Enter)
	b.Wait("location.search.includes('hop=authorize') && document.querySelector('#map-hop code')?.textContent === 'authorize'")
	b.IsTrue("document.activeElement.getAttribute('aria-label')?.startsWith('topic authorize:')")
	b.Press(kb.Escape)
	b.Wait("location.search === ''")
}

func testLooks(t *testing.T, b *consoletest.Tab, _ *consoletest.World, address string) {
	for _, width := range []int64{1440, 390} {
		for _, scheme := range []string{"light", "dark"} {
			b.Do(consoletest.Emulate(width, 900, 1, scheme))
			for _, path := range []string{"/map", "/map?workflow=onboarding&hop=notify%2Fnotifier"} {
				b.Open(address + path)
				b.Axe(t, path+" "+scheme)
				b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
			}
		}
	}
}

// A page whose stream was cut off shows what happened meanwhile.
func testLost(t *testing.T, b *consoletest.Tab, w *consoletest.World, _ string) {
	cfg := w.Config(t)
	var now atomic.Pointer[console.Handler]
	now.Store(console.New(cfg))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) }))
	t.Cleanup(func() { now.Load().Close(); server.Close() })
	b.Open(server.URL + "/map?hop=authorize/authorizer")
	now.Load().Close()
	b.WaitText("#live", "Connection lost")
	w.Mu.Lock()
	w.Ways[5].Stuck = 7
	w.Mu.Unlock()
	now.Store(console.New(cfg)) // up again
	b.WaitText("#map-hop", "Seven sagas are stuck here.")
	b.WaitText("#live", "behind the log")
}

// TestShots takes pictures of the page for people to look at: SKALD_SHOTS=/tmp/shots go test -run Shots.
func TestShots(t *testing.T) {
	if consoletest.Shots() == "" {
		t.Skip("set SKALD_SHOTS to a directory to get pictures")
	}
	_, server := consoletest.Serve(t, consoletest.Mapped().Config(t))
	_, empty := consoletest.Serve(t, nothing().Config(t))
	b := consoletest.Browse(t)
	for name, address := range map[string]string{
		"map": server.URL + "/map?workflow=onboarding&hop=notify%2Fnotifier", "map-all": server.URL + "/map", "map-empty": empty.URL + "/map",
	} {
		for _, width := range []int64{1440, 390} {
			for _, scheme := range []string{"light", "dark"} {
				b.Do(consoletest.Emulate(width, map[int64]int64{1440: 900, 390: 1500}[width], 1, scheme))
				b.Open(address)
				b.Shot(filepath.Join(consoletest.Shots(), name+map[int64]string{1440: "", 390: "-390"}[width]+"-"+scheme+".png"))
			}
		}
	}
	b.Do(chromedp.Navigate("about:blank"))
}
