package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tab is a headless browser that looks at a console.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// browse starts a headless browser, or skips the test where none is installed. Whatever the page says to the browser's
// console is an error: a script that fails, or something inline that its security policy forbids.
func browse(t *testing.T) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: the pages are not tried in a browser")
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.WindowSize(1440, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true),
	)
	ctx, end := chromedp.NewContext(ctx, chromedp.WithLogf(t.Logf), chromedp.WithErrorf(t.Logf))
	said := make(chan struct{})
	messages := chromedp.Console(ctx)
	go func() {
		defer close(said)
		for m, err := range messages {
			if err != nil {
				return
			}
			if text := fmt.Sprint(m); !strings.Contains(text, "the server responded with a status of") { // a refusal that the page shows
				t.Errorf("the page says to the browser's console: %s", text)
			}
		}
	}()
	t.Cleanup(func() { end(); stop(); <-said })
	return &tab{t, ctx}
}

// do runs actions in a bounded time.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// open loads a page and waits for its stream.
func (b *tab) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
	b.wait("document.documentElement.dataset.patches > 0")
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector))
}

func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// wait waits until a JavaScript expression is true.
func (b *tab) wait(expression string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(patience)))
	if err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("never: %s: %v\n%s", expression, err, page)
	}
}

func (b *tab) waitText(selector, text string) {
	b.t.Helper()
	b.wait(fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text))
}

func (b *tab) isTrue(expression string) {
	b.t.Helper()
	yes, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
	if err != nil || !yes {
		b.t.Errorf("not so: %s (%v)", expression, err)
	}
}

func TestBrowser(t *testing.T) {
	b := browse(t)
	for name, test := range map[string]func(*testing.T, *tab, *world, string){
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
		"lost and found": testLostConnection,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			_, server := serve(t, w.config(t))
			test(t, &tab{t, b.ctx}, w, server.URL)
			b.do(chromedp.Navigate("about:blank")) // lets go of the server
		})
	}
}

// lastStarted is the ID of the only saga.
func (w *world) only() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.sagas {
		return id
	}
	return ""
}

func testButton(_ *testing.T, b *tab, w *world, address string) {
	b.open(address)
	b.isTrue("!document.querySelector('#empty').hidden")
	b.click(".split [data-onboard]")
	b.waitText("#rows", "Kaia Ben-Ami")
	b.waitText("#next", "Lars Ødegaard, Finance")
	b.wait("document.querySelector('#empty').hidden")
	id := w.only()
	w.run(id)
	b.waitText("#rows td:nth-child(2)", "choosing a device")
	b.wait("parseFloat(document.querySelector('#rows [data-since]').textContent) > 12") // since the script's clock
	for range columns {
		w.pass(id, 250*time.Millisecond)
	}
	b.waitText("#rows td:nth-child(2)", "Nordbook 16 · NB16-00416")
	b.waitText("#rows td:nth-child(3)", "desk, vpn")
	b.waitText("#rows td:nth-child(4)", "mail accepted")
	b.waitText("#rows td:nth-child(5)", "1.00 s")
	b.waitText("#status", "Kaia Ben-Ami completed in 1.00 seconds")
	b.click(".split [data-onboard]")
	b.waitText("#next", "No more new users to onboard.")
	b.wait("document.querySelector('.split [data-onboard]').disabled")
}

// A patch must not touch what it doesn't change: a cell that is done, the focus, a text that is selected.
func testCellsKeepStill(_ *testing.T, b *tab, w *world, address string) {
	id := w.onboard(user("Ada"))
	w.pass(id, time.Second)
	b.open(address)
	b.do(chromedp.Focus("#service-notifier button"))
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[int]("window.done = document.querySelector('#rows td:nth-child(2)').firstElementChild, 1"))
		return err
	}))
	w.pass(id, time.Second)
	w.clock = w.clock.Add(time.Second)
	second := w.onboard(user("Bo"))
	b.waitText("#rows tr:nth-child(2) td:nth-child(3)", "crm, vpn")
	b.waitText("#stations", "1 in hand")
	w.pass(second, time.Second)
	b.isTrue("document.querySelector('#rows tr:nth-child(2) td:nth-child(2)').firstElementChild === window.done")
	b.isTrue("document.activeElement === document.querySelector('#service-notifier button')")
}

func testTraceMode(_ *testing.T, b *tab, w *world, address string) {
	id := w.onboard(user("Ada"))
	b.open(address)
	b.isTrue("document.querySelectorAll('th:not(.act)').length === 5")
	b.click("#trace")
	b.wait("location.search === '?trace=off' && document.querySelectorAll('th').length === 2")
	b.waitText("#lead", "One user has not come back. One is merely on the way.")
	b.isTrue("!document.querySelector('#stations').textContent.includes('in hand')")
	b.isTrue("document.activeElement.id === 'trace'")
	w.complete(id, time.Second)
	b.waitText("#rows td:nth-child(2)", "Yes")
	b.waitText("#lead", "One user has come back.")
	b.click(".asking [data-view]")
	b.wait("location.search === '' && document.querySelectorAll('th:not(.act)').length === 5")
	b.waitText("#rows td:nth-child(5)", "4.00 s")
	b.do(chromedp.NavigateBack())
	b.wait("location.search === '?trace=off' && document.querySelectorAll('th').length === 2")
}

func testForm(_ *testing.T, b *tab, w *world, address string) {
	b.open(address)
	b.click("#show-form")
	b.wait("document.querySelector('#form').open")
	b.do(chromedp.SendKeys("#form [name=email]", "no address"))
	b.press(kb.Enter)
	b.wait("document.querySelector('#form [name=name]').getAttribute('aria-invalid')")
	b.wait("document.querySelector('#wrong-name').textContent && document.querySelector('#wrong-email').textContent")
	b.isTrue("document.activeElement.name === 'name' && !document.querySelector('#wrong-department').textContent")
	b.do(chromedp.SendKeys("#form [name=name]", "Ünal Ağa"),
		chromedp.SetValue("#form [name=email]", "uenal@example.com"),
		chromedp.SetValue("#form [name=department]", "people"))
	b.click("#form footer .primary")
	b.wait("!document.querySelector('#form').open")
	b.waitText("#rows", "Ünal Ağa")
	b.waitText("#rows", "People · uenal@example.com")
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.starts) != 1 || w.starts[0].key == "" {
		b.t.Errorf("%+v", w.starts)
	}
}

func testServices(_ *testing.T, b *tab, w *world, address string) {
	w.pass(w.onboard(user("Ada")), time.Second)
	b.open(address)
	b.click("#service-authorizer button")
	b.waitText("#warning", "authorizer is stopped.")
	b.waitText("#warning", "1 user waits in authorize.")
	b.waitText("#service-authorizer", "stopped · 1 queued")
	b.waitText("#rows", "waits for authorizer to start")
	b.isTrue("document.querySelector('#warning [role=alert]')")
	b.click("#warning button")
	b.wait("!document.querySelector('#warning .banner')")
	b.waitText("#service-authorizer", "grants · 1 in hand")
}

func testClear(_ *testing.T, b *tab, w *world, address string) {
	w.complete(w.onboard(user("over")), time.Second)
	w.onboard(user("alive"))
	b.open(address)
	b.isTrue("document.querySelectorAll('#rows tr').length === 2")
	b.click("#clear")
	b.wait("document.querySelectorAll('#rows tr').length === 1 && location.search.startsWith('?cleared=')")
	b.isTrue("document.querySelector('#rows').textContent.includes('alive')")
	b.waitText("#summary", "cleared away")
	w.clock = w.clock.Add(time.Minute)
	w.complete(w.onboard(user("new")), time.Second)
	b.waitText("#rows", "new@example.com")
	b.do(chromedp.Reload())
	b.wait("document.querySelectorAll('#rows tr').length === 2")
	b.click("#summary .quiet")
	b.wait("document.querySelectorAll('#rows tr').length === 3 && location.search === ''")
}

func testMailbox(_ *testing.T, b *tab, w *world, address string) {
	w.mails.deliver(user("Ada"), "Nordbook 14", "NB14-00001", "crm, vpn", w.clock)
	b.open(address)
	b.waitText("#mail-count", "1")
	b.click("#open-mailbox")
	b.wait("document.querySelector('#mailbox').open && location.search === '?mail=open'")
	b.click("#mailbox [data-mail='1']")
	b.waitText(".letter", "Nordbook 14, serial NB14-00001")
	w.mails.deliver(user("Bo"), "Nordbook 16", "NB16-00002", "ci:run", w.clock)
	b.waitText("#mailbox .mails", "Welcome, Bo")
	b.isTrue("document.querySelector('.letter').textContent.includes('Dear Ada')")
	b.press("t") // the drawer stays beside the other view
	b.wait("location.search === '?mail=1&trace=off' || location.search === '?trace=off&mail=1'")
	b.isTrue("document.querySelector('#mailbox').open")
	b.press(kb.Escape)
	b.wait("!document.querySelector('#mailbox').open && location.search === '?trace=off'")
	b.isTrue("document.activeElement.id === 'open-mailbox'")
}

func testKeys(_ *testing.T, b *tab, w *world, address string) {
	b.open(address)
	b.press("n")
	b.waitText("#rows", "Kaia Ben-Ami")
	b.press("t")
	b.wait("location.search === '?trace=off'")
	b.press("?")
	b.wait("document.querySelector('#keys').open")
	b.press("n") // rests while a dialog asks
	b.press(kb.Escape)
	b.wait("!document.querySelector('#keys').open")
	b.click("#show-keys")
	b.click("#single-keys")
	b.press(kb.Escape)
	b.press("t")
	b.isTrue("location.search === '?trace=off'")
	if n := w.hires.Remaining(); n != 1 {
		b.t.Errorf("%d hires are left", n)
	}
	b.click("#show-keys")
	b.click("#single-keys")
	b.press(kb.Escape)
}

func testRefusedClick(_ *testing.T, b *tab, w *world, address string) {
	w.mu.Lock()
	w.startErr = errors.New("connection refused")
	w.mu.Unlock()
	b.open(address)
	b.click(".split [data-onboard]")
	b.waitText("#failed", "the broker did not confirm the start: connection refused")
	b.isTrue("!document.querySelector('#failed').hidden && document.querySelector('#next').textContent.includes('Kaia')")
	w.mu.Lock()
	w.startErr = nil
	w.mu.Unlock()
	b.click(".split [data-onboard]")
	b.waitText("#rows", "Kaia Ben-Ami")
	b.wait("document.querySelector('#failed').hidden")
}

func testLag(_ *testing.T, b *tab, w *world, address string) {
	b.open(address)
	b.do(chromedp.Focus("#lag input"))
	b.press(kb.ArrowRight + kb.ArrowRight)
	b.waitText("#lag output", "0–4 s")
	deadline := time.Now().Add(patience)
	for w.faults.Lag().Max != 4*time.Second {
		if time.Now().After(deadline) {
			b.t.Fatalf("the lag is %v", w.faults.Lag())
		}
		time.Sleep(10 * time.Millisecond) // polls a condition
	}
}

func testNarrow(t *testing.T, b *tab, _ *world, _ string) {
	w := troubled()
	_, server := serve(t, w.config(t))
	address := server.URL
	w.pass(w.onboard(user(strings.Repeat("Maximiliana", 6))), time.Second)
	for _, width := range []int64{390, 720, 1100, 1240, 1440} {
		b.do(chromedp.EmulateViewport(width, 844))
		for _, query := range []string{"", "?trace=off", "?mail=open"} {
			b.open(address + "/" + query)
			b.isTrue("document.documentElement.scrollWidth <= innerWidth")
		}
	}
	b.do(chromedp.EmulateViewport(1440, 900))
}

// A page whose stream ends says so, and is up to date again by itself.
func testLostConnection(t *testing.T, b *tab, w *world, _ string) {
	cfg := w.config(t)
	h, server := serve(t, cfg)
	b.open(server.URL)
	h.Close()
	b.waitText("#live", "Connection lost")
	w.onboard(user("Ada"))
	h.streams.mu.Lock()
	h.streams.life, h.streams.close = context.WithCancel(context.Background()) // the same console, up again
	h.streams.mu.Unlock()
	t.Cleanup(h.Close)
	b.waitText("#rows", "Ada")
	b.waitText("#live", "Live")
}

// shots is where pictures go; empty for none.
func shots() string { return os.Getenv("SKALD_SHOTS") }
