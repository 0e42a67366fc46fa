package sagas_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

func TestBrowser(t *testing.T) {
	b := consoletest.Browse(t)
	for name, test := range map[string]func(*consoletest.Tab, *consoletest.World, string){
		"live rows":      testLiveRows,
		"filters":        testFilters,
		"keys":           testKeys,
		"selection":      testSelection,
		"cancel":         testCancel,
		"redrive":        testRedrive,
		"refused":        testRefused,
		"all that match": testAllThatMatch,
		"accessible":     testAccessible,
		"lost and found": testLostConnection,
	} {
		t.Run(name, func(t *testing.T) {
			w := crowded()
			_, server := consoletest.Serve(t, w.Config(t))
			b.Do(consoletest.Emulate(1440, 900, 1, "light"))
			test(&consoletest.Tab{T: t, Ctx: b.Ctx}, w, server.URL+"/sagas")
			b.Do(chromedp.Navigate("about:blank")) // lets go of the server
		})
	}
}

// Rows change where they are; new ones wait until they are asked for; what the focus and the boxes have stays.
func testLiveRows(b *consoletest.Tab, w *consoletest.World, address string) {
	id := w.Newest()
	b.Open(address)
	b.Wait("(document.querySelector('#rows tr input').click(), document.querySelectorAll('#rows a.name')[1].focus(), true)")
	w.Pass(id, time.Second)
	b.WaitText("#saga-"+id, "notifier: queued")
	b.IsTrue("document.querySelector('#rows tr input').checked && document.activeElement === document.querySelectorAll('#rows a.name')[1]")
	w.Clock = w.Clock.Add(time.Second)
	w.Onboard(consoletest.User("brandnew"))
	b.WaitText("#newer", "1 newer matches. Show")
	b.IsTrue("!document.querySelector('#rows').textContent.includes('brandnew')")
	b.WaitText("#matching", "81 match")
	b.Click("#newer a")
	b.WaitText("#rows tr:first-child", "brandnew@example.com")
	b.Wait("document.querySelector('#newer').textContent === ''")
}

func testFilters(b *consoletest.Tab, _ *consoletest.World, address string) {
	b.Open(address)
	b.Click(".statuses a:nth-child(4)")
	b.Wait("location.search === '?status=halted' && document.querySelectorAll('#rows tr').length === 1")
	b.Click(".filters summary")
	b.Do(chromedp.SetValue(".filters [name=service]", "authorizer"))
	b.Click(".filters form .primary")
	b.Wait("location.search === '?status=halted&service=authorizer'")
	b.WaitText("main", "No saga matches")
	b.Click(".empty .btn") // drops the filter without which most match
	b.Wait("location.search === '?service=authorizer' && document.querySelectorAll('#rows tr').length > 10")
	b.Click(".chip.on")
	b.Wait("location.search === ''")
	b.Click("th a")
	b.Wait("location.search === '?order=oldest'")
	b.WaitText("#rows tr:first-child", "dag.haraldsen")
	b.Click("#pager [rel=next]")
	b.WaitText("#pager", "51–80 of 80, oldest first")
	b.Click("#pager a")
	b.Wait("location.search === '?order=oldest'")
	b.Do(chromedp.NavigateBack())
	b.WaitText("#pager", "51–80 of 80")
}

func testKeys(b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address)
	b.Press("/")
	b.Wait("document.activeElement.id === 'find'")
	b.Do(chromedp.SetValue("#find", "cleo")) // the protocol's key writes the slash, too, which a person's doesn't
	b.Press(kb.Enter)
	b.Wait("location.search === '?q=cleo' && document.querySelectorAll('#rows tr').length === 1")
	b.Do(chromedp.Navigate("about:blank"))
	b.Open(address)
	b.Press("jj")
	b.Wait("document.activeElement === document.querySelectorAll('#rows a.name')[1]")
	b.Press("k")
	b.Press("x")
	b.Wait("document.querySelector('#rows tr input').checked")
	b.WaitText("#bulk-said", "1 selected")
	b.Press(kb.Escape)
	b.Wait("document.querySelector('#bulk').hidden && !document.querySelector('#rows tr input').checked")
	b.Press(".")
	b.WaitText("#live", "Held")
	id := w.Newest()
	w.Pass(id, time.Second)
	b.Press(".")
	b.WaitText("#saga-"+id, "notifier: queued")
	b.WaitText("#live", "Live")
	b.Press("j")
	b.Wait("(document.activeElement.addEventListener('click', (event) => { event.preventDefault(); window.went = event.target.pathname }), true)")
	b.Press(kb.Enter)
	b.Wait("window.went?.startsWith('/sagas/')")
	b.Press("?")
	b.WaitText("#key-list", "hold live updates")
}

func testSelection(b *consoletest.Tab, _ *consoletest.World, address string) {
	b.Open(address + "?status=open&order=oldest")
	b.Click("#rows tr:nth-child(5) input")
	b.WaitText("#bulk", "Redrive 1 halted…")
	b.WaitText("#bulk", "Cancel 1…")
	b.IsTrue("document.querySelector('#pick-page').indeterminate && document.querySelector('#bulk-scope').hidden")
	b.Click("#pick-page")
	b.WaitText("#bulk-said", "50 selected")
	b.WaitText("#bulk", "Cancel 46…")
	b.Click("#bulk-scope")
	b.WaitText("#bulk-said", "All 68 that match are selected")
	b.WaitText("#bulk", "Cancel 64…")
	b.WaitText("#bulk", "Redrive 1 halted…")
	b.Click("#bulk-scope")
	b.WaitText("#bulk-said", "50 selected")
	b.Click("#bulk-clear")
	b.Wait("document.querySelector('#bulk').hidden")
}

func testCancel(b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address + "?status=open&order=oldest")
	b.Click("#pick-page")
	b.Click("#bulk [data-bulk=cancel]")
	b.WaitText("#bulk-title", "Cancel 46 sagas?")
	b.WaitText("#bulk-left", "4 are left out: they have ended, or their end is decided already.")
	b.Press(kb.Enter)
	b.WaitText("#bulk-wrong", "Say why")
	b.Press("hired twice" + kb.Enter)
	b.Wait("!document.querySelector('#bulk-ask').open")
	b.WaitText("#status", "46 sagas asked for: 46 accepted, 0 refused")
	b.IsTrue("document.querySelector('#bulk').hidden")
	if n := len(w.Client.Requests()); n != 46 {
		b.T.Errorf("%d sagas were asked for", n)
	}
}

func testRedrive(b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address + "?status=halted")
	b.Click("#pick-page")
	b.Click("#bulk [data-bulk=redrive]")
	b.WaitText("#bulk-title", "Redrive 1 saga?")
	b.Click("#bulk-yes")
	b.Wait("!document.querySelector('#bulk-ask').open")
	if asked := w.Client.Requests(); len(asked) != 1 || asked[0] != "redrive dead letter 1/7 at notifier" {
		b.T.Errorf("%q", asked)
	}
}

func testRefused(b *consoletest.Tab, w *consoletest.World, address string) {
	w.Client.Answer = func(string) (skald.Answer, error) { return skald.Answer{Text: "its outcome is decided"}, nil }
	b.Open(address + "?status=open&order=oldest")
	b.Click("#rows tr:nth-child(5) input")
	b.Click("#bulk [data-bulk=cancel]")
	b.WaitText("#bulk-title", "Cancel 1 saga?")
	b.Press("late" + kb.Enter)
	b.WaitText("#bulk-done", "1 saga asked for: 0 accepted, 1 refused. its outcome is decided")
	b.IsTrue("document.querySelector('#bulk-ask').open && document.querySelector('#bulk-yes').hidden")
	b.Click("#bulk-no")
	b.Wait("!document.querySelector('#bulk-ask').open")
}

// All that match are those that had begun when the page was made.
func testAllThatMatch(b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address + "?status=open")
	w.Onboard(consoletest.User("unseen"))
	b.Click("#pick-page")
	b.Click("#bulk-scope")
	b.WaitText("#bulk", "Cancel 64…")
	b.Click("#bulk [data-bulk=cancel]")
	b.WaitText("#bulk-title", "Cancel 64 sagas?")
	b.Press("a test" + kb.Enter)
	b.WaitText("#status", "64 sagas asked for: 64 accepted")
	if n := len(w.Client.Requests()); n != 64 {
		b.T.Errorf("%d sagas were asked for", n)
	}
}

func testAccessible(b *consoletest.Tab, _ *consoletest.World, address string) {
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 1100, 720, 390} {
			b.Do(consoletest.Emulate(width, 900, 1, scheme))
			for _, query := range []string{"?order=oldest", "?status=blocked&service=notifier"} {
				b.Open(address + query)
				b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
				b.Wait("(document.querySelector('#pick-page')?.click(), document.querySelector('.filters summary').click(), true)")
				b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
				if width == 1440 || width == 390 {
					b.Axe(b.T, query+" "+scheme)
				}
			}
		}
	}
	b.Do(consoletest.Emulate(1440, 900, 1, "light"))
	b.Open(address + "?status=open&order=oldest")
	b.Click("#pick-page")
	b.Click("#bulk [data-bulk=cancel]")
	b.Wait("document.querySelector('#bulk-ask').open")
	b.Axe(b.T, "dialog")
}

// A page whose stream ends says so, and is up to date again by itself.
func testLostConnection(b *consoletest.Tab, w *consoletest.World, _ string) {
	cfg := w.Config(b.T)
	var now atomic.Pointer[console.Handler]
	now.Store(console.New(cfg))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) }))
	b.T.Cleanup(func() { now.Load().Close(); server.Close() })
	b.Open(server.URL + "/sagas")
	now.Load().Close()
	b.WaitText("#live", "Connection lost")
	id := w.Newest()
	w.Pass(id, time.Second)
	now.Store(console.New(cfg)) // up again
	b.WaitText("#saga-"+id, "notifier: queued")
	b.WaitText("#live", "Live")
}
