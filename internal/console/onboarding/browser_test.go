package onboarding_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

func TestBrowser(t *testing.T) {
	b := consoletest.Browse(t)
	for name, test := range map[string]func(*testing.T, *consoletest.Tab, *consoletest.World, string){
		"button":         testButton,
		"thread":         testCellsKeepStill,
		"trace mode":     testTraceMode,
		"form":           testForm,
		"services":       testServices,
		"clear":          testClear,
		"mailbox":        testMailbox,
		"keys":           testKeys,
		"refused click":  testRefusedClick,
		"lag":            testLag,
		"cancel":         testCancel,
		"redrive":        testRedrive,
		"failures":       testFailures,
		"narrow":         testNarrow,
		"far below":      testFarBelow,
		"lost and found": testLostConnection,
	} {
		t.Run(name, func(t *testing.T) {
			w := consoletest.NewWorld()
			_, server := consoletest.Serve(t, w.Config(t))
			test(t, &consoletest.Tab{T: t, Ctx: b.Ctx}, w, server.URL)
			b.Do(chromedp.Navigate("about:blank")) // lets go of the server
		})
	}
}

func testButton(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address)
	b.IsTrue("!document.querySelector('#empty').hidden")
	b.Click(".split [data-onboard]")
	b.WaitText("#rows", "Kaia Ben-Ami")
	b.WaitText("#next", "Lars Ødegaard, Finance")
	b.Wait("document.querySelector('#empty').hidden")
	id := w.Only()
	w.Run(id)
	b.WaitText("#rows td:nth-child(2)", "choosing a device")
	b.Wait("parseFloat(document.querySelector('#rows [data-since]').textContent) > 12") // since the script's clock
	for range 4 {
		w.Pass(id, 250*time.Millisecond)
	}
	b.WaitText("#rows td:nth-child(2)", "Nordbook 16 · NB16-00416")
	b.WaitText("#rows td:nth-child(3)", "desk, vpn")
	b.WaitText("#rows td:nth-child(4)", "mail accepted")
	b.WaitText("#rows td:nth-child(5)", "1.00 s")
	b.WaitText("#status", "Kaia Ben-Ami completed in 1.00 seconds")
	b.Click(".split [data-onboard]")
	b.WaitText("#next", "No more new users to onboard.")
	b.Wait("document.querySelector('.split [data-onboard]').disabled")
}

// A patch must not touch what it doesn't change: a cell that is done, the focus, a text that is selected.
func testCellsKeepStill(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	id := w.Onboard(consoletest.User("Ada"))
	w.Pass(id, time.Second)
	b.Open(address)
	b.Do(chromedp.Focus("#service-notifier button"))
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[int]("window.done = document.querySelector('#rows td:nth-child(2)').firstElementChild, 1"))
		return err
	}))
	w.Pass(id, time.Second)
	w.Clock = w.Clock.Add(time.Second)
	second := w.Onboard(consoletest.User("Bo"))
	b.WaitText("#rows tr:nth-child(2) td:nth-child(3)", "crm, vpn")
	b.WaitText("#stations", "1 in hand")
	w.Pass(second, time.Second)
	b.IsTrue("document.querySelector('#rows tr:nth-child(2) td:nth-child(2)').firstElementChild === window.done")
	b.IsTrue("document.activeElement === document.querySelector('#service-notifier button')")
}

func testTraceMode(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	id := w.Onboard(consoletest.User("Ada"))
	b.Open(address)
	b.IsTrue("document.querySelectorAll('th:not(.act)').length === 5")
	b.Click("#trace")
	b.Wait("location.search === '?trace=off' && document.querySelectorAll('th').length === 2")
	b.WaitText("#lead", "One user has not come back. One is merely on the way.")
	b.IsTrue("!document.querySelector('#stations').textContent.includes('in hand')")
	b.IsTrue("document.activeElement.id === 'trace'")
	w.Complete(id, time.Second)
	b.WaitText("#rows td:nth-child(2)", "Yes")
	b.WaitText("#lead", "One user has come back.")
	b.Click(".asking [data-view]")
	b.Wait("location.search === '' && document.querySelectorAll('th:not(.act)').length === 5")
	b.WaitText("#rows td:nth-child(5)", "4.00 s")
	b.Do(chromedp.NavigateBack())
	b.Wait("location.search === '?trace=off' && document.querySelectorAll('th').length === 2")
}

func testForm(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address)
	b.Click("#show-form")
	b.Wait("document.querySelector('#form').open")
	b.Do(chromedp.SendKeys("#form [name=email]", "no address"))
	b.Press(kb.Enter)
	b.Wait("document.querySelector('#form [name=name]').getAttribute('aria-invalid')")
	b.Wait("document.querySelector('#wrong-name').textContent && document.querySelector('#wrong-email').textContent")
	b.IsTrue("document.activeElement.name === 'name' && !document.querySelector('#wrong-department').textContent")
	b.Do(chromedp.SendKeys("#form [name=name]", "Ünal Ağa"),
		chromedp.SetValue("#form [name=email]", "uenal@example.com"),
		chromedp.SetValue("#form [name=department]", "people"))
	b.Click("#form .foot .primary")
	b.Wait("!document.querySelector('#form').open")
	b.WaitText("#rows", "Ünal Ağa")
	b.WaitText("#rows", "People · uenal@example.com")
	w.Mu.Lock()
	defer w.Mu.Unlock()
	if len(w.Starts) != 1 || w.Starts[0].Key == "" {
		b.T.Errorf("%+v", w.Starts)
	}
}

func testServices(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	w.Pass(w.Onboard(consoletest.User("Ada")), time.Second)
	b.Open(address)
	b.Click("#service-authorizer button")
	b.WaitText("#warning", "authorizer is stopped.")
	b.WaitText("#warning", "1 user waits in authorize.")
	b.WaitText("#service-authorizer", "stopped · 1 queued")
	b.WaitText("#rows", "waits for authorizer to start")
	b.IsTrue("document.querySelector('#warning [role=alert]')")
	b.Click("#warning button")
	b.Wait("!document.querySelector('#warning .banner')")
	b.WaitText("#service-authorizer", "grants · 1 in hand")
}

func testClear(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	w.Complete(w.Onboard(consoletest.User("over")), time.Second)
	w.Onboard(consoletest.User("alive"))
	b.Open(address)
	b.IsTrue("document.querySelectorAll('#rows tr').length === 2")
	b.Click("#clear")
	b.Wait("document.querySelectorAll('#rows tr').length === 1 && location.search.startsWith('?cleared=')")
	b.IsTrue("document.querySelector('#rows').textContent.includes('alive')")
	b.WaitText("#summary", "cleared away")
	w.Clock = w.Clock.Add(time.Minute)
	w.Complete(w.Onboard(consoletest.User("new")), time.Second)
	b.WaitText("#rows", "new@example.com")
	b.Do(chromedp.Reload())
	b.Wait("document.querySelectorAll('#rows tr').length === 2")
	b.Click("#summary .quiet")
	b.Wait("document.querySelectorAll('#rows tr').length === 3 && location.search === ''")
}

func testMailbox(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	w.Mails.Deliver(consoletest.User("Ada"), "Nordbook 14", "NB14-00001", "crm, vpn", w.Clock)
	b.Open(address)
	b.WaitText("#mail-count", "1")
	b.Click("#open-mailbox")
	b.Wait("document.querySelector('#mailbox').open && location.search === '?mail=open'")
	b.Click("#mailbox [data-mail='1']")
	b.WaitText(".letter", "Nordbook 14, serial NB14-00001")
	w.Mails.Deliver(consoletest.User("Bo"), "Nordbook 16", "NB16-00002", "ci:run", w.Clock)
	b.WaitText("#mailbox .mails", "Welcome, Bo")
	b.IsTrue("document.querySelector('.letter').textContent.includes('Dear Ada')")
	b.Press("t") // the drawer stays beside the other view
	b.Wait("location.search === '?mail=1&trace=off' || location.search === '?trace=off&mail=1'")
	b.IsTrue("document.querySelector('#mailbox').open")
	b.Press(kb.Escape)
	b.Wait("!document.querySelector('#mailbox').open && location.search === '?trace=off'")
	b.IsTrue("document.activeElement.id === 'open-mailbox'")
}

func testKeys(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address)
	b.Press("n")
	b.WaitText("#rows", "Kaia Ben-Ami")
	b.Press("t")
	b.Wait("location.search === '?trace=off'")
	b.Press("?")
	b.Wait("document.querySelector('#keys').open")
	b.Press("n") // rests while a dialog asks
	b.Press(kb.Escape)
	b.Wait("!document.querySelector('#keys').open")
	b.Click("#show-keys")
	b.Click("#single-keys")
	b.Press(kb.Escape)
	b.Press("t")
	b.IsTrue("location.search === '?trace=off'")
	if n := w.Hires.Remaining(); n != 1 {
		b.T.Errorf("%d hires are left", n)
	}
	b.Click("#show-keys")
	b.Click("#single-keys")
	b.Press(kb.Escape)
}

func testRefusedClick(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	w.Mu.Lock()
	w.StartErr = errors.New("connection refused")
	w.Mu.Unlock()
	b.Open(address)
	b.Click(".split [data-onboard]")
	b.WaitText("#failed", "the broker did not confirm the start: connection refused")
	b.IsTrue("!document.querySelector('#failed').hidden && document.querySelector('#next').textContent.includes('Kaia')")
	w.Mu.Lock()
	w.StartErr = nil
	w.Mu.Unlock()
	b.Click(".split [data-onboard]")
	b.WaitText("#rows", "Kaia Ben-Ami")
	b.Wait("document.querySelector('#failed').hidden")
}

func testLag(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	b.Open(address)
	b.Do(chromedp.Focus("#lag input"))
	b.Press(kb.ArrowRight + kb.ArrowRight)
	b.WaitText("#lag output", "0–4 s")
	deadline := time.Now().Add(consoletest.Patience)
	for w.Faults.Lag().Max != 4*time.Second {
		if time.Now().After(deadline) {
			b.T.Fatalf("the lag is %v", w.Faults.Lag())
		}
		time.Sleep(10 * time.Millisecond) // polls a condition
	}
}

func testNarrow(t *testing.T, b *consoletest.Tab, _ *consoletest.World, _ string) {
	w := consoletest.Troubled()
	_, server := consoletest.Serve(t, w.Config(t))
	address := server.URL
	w.Pass(w.Onboard(consoletest.User(strings.Repeat("Maximiliana", 6))), time.Second)
	for _, width := range []int64{390, 720, 1100, 1240, 1440} {
		b.Do(chromedp.EmulateViewport(width, 844))
		for _, query := range []string{"", "?trace=off", "?mail=open"} {
			b.Open(address + "/" + query)
			b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
		}
	}
	b.Do(chromedp.EmulateViewport(1440, 900))
}

// A page whose stream ends says so, and is up to date again by itself.
func testLostConnection(t *testing.T, b *consoletest.Tab, w *consoletest.World, _ string) {
	cfg := w.Config(t)
	var now atomic.Pointer[console.Handler]
	now.Store(console.New(cfg))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(w, r) }))
	t.Cleanup(func() { now.Load().Close(); server.Close() })
	b.Open(server.URL)
	now.Load().Close()
	b.WaitText("#live", "Connection lost")
	w.Onboard(consoletest.User("Ada"))
	now.Store(console.New(cfg)) // up again
	b.WaitText("#rows", "Ada")
	b.WaitText("#live", "Live")
}

// What is left out of the first paint has to follow it.
func testFarBelow(_ *testing.T, b *consoletest.Tab, w *consoletest.World, address string) {
	for i := range 30 {
		w.Clock = w.Clock.Add(time.Millisecond)
		w.Onboard(consoletest.User(fmt.Sprint("user", i)))
	}
	b.Do(chromedp.Navigate(address))
	b.Wait("document.querySelector('#rows tr:nth-child(30) a')?.checkVisibility({contentVisibilityAuto: true})")
}
