package failures_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestBrowser(t *testing.T) {
	b := consoletest.Browse(t)
	for name, test := range map[string]func(*consoletest.Tab, *consoletest.World, string){
		"canary and rest": testCanaryAndRest,
		"discard":         testDiscard,
		"pause and stop":  testPauseAndStop,
		"keyboard alone":  testKeyboard,
		"nothing moves":   testNothingMoves,
		"letters":         testLetters,
		"narrow and dark": testNarrow,
	} {
		t.Run(name, func(t *testing.T) {
			w := failing()
			_, server := consoletest.Serve(t, w.Config(t))
			test(&consoletest.Tab{T: t, Ctx: b.Ctx}, w, server.URL)
			b.Do(chromedp.Navigate("about:blank")) // lets go of the server
		})
	}
}

// oldest are the offsets of the open letters of a cause, the oldest first.
func oldest(w *consoletest.World, cause string) (offsets []int64) {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	for _, l := range w.Log {
		if l.Cause == cause && l.Status == tracker.LetterHalted {
			offsets = append(offsets, l.Offset)
		}
	}
	return offsets
}

func testCanaryAndRest(b *consoletest.Tab, w *consoletest.World, address string) {
	open := oldest(w, unknown)
	b.Open(address + "/failures?cause=" + unknown)
	b.Click("#failures-flow [data-key='1']")
	b.Wait("document.querySelector('#run').open")
	b.WaitText("#run-title", "Redrive one letter")
	b.Do(chromedp.SendKeys("#run [name=reason]", "version 3 is known now"))
	b.Click("#run-go")
	b.Wait("!document.querySelector('#run').open")
	b.WaitText("#failures-flow", "asked for")
	w.LettersBecome(tracker.LetterRedriven, open[0])
	b.WaitText("#failures-flow", "on its way")
	w.LettersBecome("completed", open[0])
	b.WaitText("#failures-flow", "passed")
	b.WaitText("#group-"+unknown+" .n", "8")
	b.WaitText("#badge-failures", "255")
	b.WaitText("#failures-flow [data-key='2']", "Redrive the other 8…")
	b.Click("#failures-flow [data-key='2']")
	b.Wait("document.querySelector('#run').open")
	b.Click("#run-go")
	b.WaitText("#failures-flow", "waiting for outcomes")
	w.LettersBecome("completed", open[1:]...)
	b.WaitText("#failures-flow", "8 completed, 0 halted again")
	b.WaitText("#failures-lately", "8 of 8 redelivered")
	b.WaitText("#status", "done")
	b.WaitText("#failures-top", "9 redriven and done.")
	b.IsTrue("document.querySelector('#group-" + unknown + "')") // it stays until one asks anew
	if asked := w.Client.Requests(); len(asked) != 9 || !strings.HasPrefix(asked[0], "redrive dead letter 1/1 ") {
		b.T.Error(asked)
	}
}

func testDiscard(b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address + "/failures?cause=" + unknown)
	b.Click("#failures-top [data-run]")
	b.WaitText("#run-says", "the 9 sagas end as abandoned")
	b.Click("#run-go")
	b.WaitText("#run-wrong", "Say why")
	if asked := w.Client.Requests(); len(asked) != 0 {
		b.T.Error(asked)
	}
	b.Do(chromedp.SendKeys("#run [name=reason]", "entered twice"))
	b.Press(kb.Enter)
	b.Wait("!document.querySelector('#run').open")
	b.WaitText("#failures-flow", "waiting for outcomes")
	w.LettersBecome("abandoned", oldest(w, unknown)...)
	b.WaitText("#failures-flow", "9 ended")
	b.Click("#failures-states a:last-child")
	b.WaitText("#failures-said", "12 dead letters ended with their sagas")
}

func testPauseAndStop(b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address + "/failures?cause=" + greylisted)
	b.Click("#failures-flow [data-key='2']")
	b.Wait("document.querySelector('#run').open")
	b.Click("#run-go")
	b.WaitText("#failures-flow", "20 a second")
	b.WaitText("#group-"+greylisted, "redriving")
	b.Click("#run-pause")
	b.WaitText("#failures-flow", "paused")
	b.Open(address + "/failures?cause=" + greylisted) // another page sees it, too
	b.WaitText("#run-pause", "Resume")
	b.Click("#run-pause")
	b.WaitText("#run-pause", "Pause")
	b.Click("#run-stop")
	b.Wait("!document.querySelector('#run-stop')")
	b.WaitText("#failures-flow", "stopped")
	first := oldest(w, greylisted)[0]
	w.LettersBecome(tracker.LetterAgain, first)
	b.WaitText("#failures-flow", "1 halted again")
}

func testKeyboard(b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address)
	b.Press("g")
	b.Press("f")
	b.Do(chromedp.WaitVisible("#failures-flow")) // another page: an expression would go with the first one
	b.Wait("document.documentElement.dataset.patches > 0")
	b.Press("1")
	b.Wait("document.querySelector('#run').open && document.activeElement.name === 'reason'")
	b.Press(kb.Escape)
	b.Wait("!document.querySelector('#run').open && document.activeElement.dataset.key === '1'")
	b.Press("2")
	b.Wait("document.querySelector('#run').open")
	b.Press("mended")
	b.Press(kb.Enter)
	b.Wait("!document.querySelector('#run').open && document.querySelector('#run-stop')")
	b.Do(chromedp.Focus("#run-stop"))
	b.WaitText("#failures-flow", "to go")
	b.IsTrue("document.activeElement.id === 'run-stop'") // patches never take it away
	b.Press(kb.Enter)
	b.WaitText("#failures-flow", "stopped")
	if len(w.Client.Requests()) == 0 {
		b.T.Error("nothing was asked for")
	}
}

// A new cause waits; those that are there stay where they are, also after the connection was lost.
func testNothingMoves(b *consoletest.Tab, w *consoletest.World, _ string) {
	cfg := w.Config(b.T)
	var now atomic.Pointer[console.Handler]
	now.Store(console.New(cfg))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) }))
	b.T.Cleanup(func() { now.Load().Close(); server.Close() })
	b.Open(server.URL + "/failures?cause=" + panicked)
	add := func(cause, text string, offset int64) {
		w.AddLetter(tracker.Letter{
			Partition: 1, Offset: offset, ID: "l", EventID: "e", SagaID: uuid.NewString(), Service: "notifier", Step: "notify", Class: "failed", Error: text,
			Cause: cause, Status: tracker.LetterHalted, Time: time.Now(),
		}, "{}")
		w.LettersBecome(tracker.LetterHalted, offset)
	}
	add("dddddddddddd", "x509: certificate has expired", 900)
	b.WaitText("#failures-newer", "1 newer group. Show")
	b.IsTrue("document.querySelectorAll('.pick li').length === 3")
	now.Load().Close()
	b.WaitText("#live", "Connection lost")
	now.Store(console.New(cfg))                         // up again
	add(unknown, "unknown version 3 of authorize", 901) // now the newest cause
	b.WaitText("#group-"+unknown+" .n", "10")
	b.IsTrue("document.querySelector('.pick li:last-child').id === 'group-" + unknown + "'")
	b.Click("#failures-newer a")
	b.Wait("document.querySelectorAll('.pick li').length === 4 && document.querySelector('#failures-newer').hidden")
}

func testLetters(b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address + "/failures?tab=letters&cause=" + panicked)
	open := oldest(w, panicked)
	newest := open[len(open)-1]
	w.LettersBecome("completed", newest)
	b.WaitText(".letters tbody tr:first-child", "Completed")
	b.IsTrue("document.querySelectorAll('.letters tbody tr').length === 50")
	b.Click("#pager [rel=next]")
	b.Wait("document.querySelectorAll('.letters tbody tr').length === 16 && location.search.includes('cursor=')")
}

// tooWide names what sticks out of the window, if the page can be scrolled there.
const tooWide = `document.documentElement.scrollWidth <= innerWidth ? "" :
	[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.tagName + "." + e.getAttribute("class")).join(" ")`

func testNarrow(b *consoletest.Tab, _ *consoletest.World, address string) {
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{390, 1440} {
			b.Do(consoletest.Emulate(width, 844, 1, scheme))
			for _, path := range []string{"/failures", "/failures?cause=" + panicked, "/failures?tab=event", "/failures?tab=letters", "/failures?state=loose"} {
				b.Open(address + path)
				if wide, _ := chromedp.Run(b.Ctx, chromedp.Evaluate[string](tooWide)); wide != "" {
					b.T.Errorf("%s is wider than %d: %s", path, width, wide)
				}
				b.Axe(b.T, path+" "+scheme)
			}
		}
	}
}
