package saga_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
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
	for name, test := range map[string]struct {
		scene func() (*consoletest.World, string)
		do    func(*consoletest.Tab, *consoletest.World, string, string)
	}{
		"live": {retrying, testLive}, "cancel": {retrying, testCancel}, "abandon": {retrying, testAbandon}, "redrive": {halted, testRedrive}, "edit": {halted, testEdit},
		"keys": {retrying, testKeys}, "narrow": {retrying, testNarrow}, "accessible": {halted, testAccessible}, "undone": {rejected, testAccessible},
		"lost and found": {retrying, testLost},
	} {
		t.Run(name, func(t *testing.T) {
			w, id := test.scene()
			_, server := consoletest.Serve(t, w.Config(t))
			test.do(&consoletest.Tab{T: t, Ctx: b.Ctx}, w, server.URL+"/sagas/"+id, id)
			b.Do(chromedp.Navigate("about:blank"))
		})
	}
}

func testLive(b *consoletest.Tab, w *consoletest.World, address, id string) {
	b.Open(address)
	b.IsTrue("document.querySelectorAll('h1').length === 1 && document.querySelectorAll('[data-row]').length === 5")
	b.Click("[data-row][href*='notify']")
	b.Wait("location.search.includes('event=notify') && document.querySelector('.inside .code')")
	b.IsTrue("document.querySelector('[data-row][aria-expanded=true] code').textContent === 'notify'")
	b.Click("nav.seg a:last-child")
	b.Wait("location.search.includes('scale=steps') && document.querySelector('.inside .code')")
	w.Pass(id, 20*time.Second)
	b.WaitText(".title", "Waiting for provisioner")
	b.Wait("document.querySelector('.inside .code') && document.querySelectorAll('[data-row]').length === 6")
	w.Pass(id, time.Second)
	b.WaitText(".title", "Completed in")
	b.Wait("!document.querySelector('.tools [data-act]') && document.querySelector('.ring.completed')")
	b.WaitText("#status", "Completed in")
}

func testCancel(b *consoletest.Tab, w *consoletest.World, address, id string) {
	b.Open(address)
	b.Click(".tools .danger")
	b.Wait("document.querySelector('#act').open")
	b.WaitText("#act", "Cancel: what was done is undone")
	b.Click("#act [data-post$='/cancel']")
	b.Wait("!document.querySelector('#act').open")
	b.IsTrue("document.activeElement.matches('.tools .danger')")
	if got := w.Client.Requests(); len(got) != 1 || got[0] != "cancel saga "+id+" at provisioner" {
		b.T.Errorf("asked %v", got)
	}
}

func testAbandon(b *consoletest.Tab, w *consoletest.World, address, id string) {
	b.Open(address)
	b.Click(".tools .danger")
	b.WaitText("#act", "Nothing is undone: what its services did stays done.")
	b.Click("#act [data-post$='/abandon']")
	b.WaitText("#act .wrong", "Say why")
	b.Do(chromedp.SendKeys("#act [name=reason]", "its token is lost"))
	b.Click("#act [data-post$='/abandon']")
	b.Wait("!document.querySelector('#act').open")
	if got := w.Client.Requests(); len(got) != 1 || got[0] != "abandon saga "+id+" at provisioner" {
		b.T.Errorf("asked %v", got)
	}
}

func testRedrive(b *consoletest.Tab, w *consoletest.World, address, _ string) {
	b.Open(address)
	b.Click(".tools [data-act]")
	b.Click("#act [data-post$='/redrive']")
	b.Wait("!document.querySelector('#act').open")
	if got := w.Client.Requests(); len(got) != 1 || got[0] != "redrive dead letter 1/7 at notifier" {
		b.T.Errorf("asked %v", got)
	}
}

// An event is edited by keys alone: what isn't JSON, and what isn't changed, stays in the dialog, and a refusal is told there, too.
func testEdit(b *consoletest.Tab, w *consoletest.World, address, id string) {
	w.Mu.Lock()
	w.Client.Letters[0].Payload = []byte(`{"email":"cleo@exmple.com","n":12345678901234567890}`)
	w.Mu.Unlock()
	b.Open(address)
	b.Do(chromedp.Focus(".tools [data-act]"))
	b.Press(kb.Enter)
	b.Wait("document.querySelector('#act [data-edit]')")
	b.Do(chromedp.Focus("#act [data-edit]"))
	b.Press(kb.Enter)
	b.Wait("document.activeElement.matches('#act textarea')")
	b.IsTrue(`document.activeElement.value === '{\n  "email": "cleo@exmple.com",\n  "n": 12345678901234567890\n}'`)
	b.Axe(b.T, "the editor")
	b.Do(consoletest.Emulate(390, 844, 2, "dark"))
	b.IsTrue("document.documentElement.scrollWidth <= 390 && document.querySelector('#act').scrollWidth <= document.querySelector('#act').clientWidth")
	b.Axe(b.T, "the editor, narrow and dark")
	if dir := consoletest.Shots(); dir != "" {
		b.Shot(filepath.Join(dir, "edit-390-dark.png"))
	}
	b.Do(consoletest.Emulate(1440, 900, 1, "light"))
	if dir := consoletest.Shots(); dir != "" {
		b.Shot(filepath.Join(dir, "edit-light.png"))
	}
	b.Click("#act [data-redrive]")
	b.WaitText("#wrong-payload", "Nothing is changed")
	b.Do(chromedp.SetValue("#act textarea", "{"))
	b.Click("#act [data-redrive]")
	b.WaitText("#wrong-payload", "isn’t valid JSON")
	b.IsTrue("document.activeElement.matches('#act textarea[aria-invalid]')")
	b.Do(chromedp.SetValue("#act textarea", `{"email":"cleo@example.com","n":12345678901234567890}`), chromedp.Focus("#act [name=reason]"))
	b.Press("typing error")
	b.Press(kb.Tab)
	b.Press(kb.Tab)
	b.IsTrue("document.activeElement.matches('[data-redrive]')")
	w.Client.Mu.Lock()
	w.Client.Answer = func(string) (skald.Answer, error) {
		return skald.Answer{Text: "that payload isn't what the step takes"}, nil
	}
	w.Client.Mu.Unlock()
	b.Press(kb.Enter)
	b.WaitText("#wrong-payload", "isn't what the step takes")
	w.Client.Mu.Lock()
	w.Client.Answer = nil
	w.Client.Mu.Unlock()
	b.Click("#act [data-redrive]")
	b.Wait("!document.querySelector('#act').open")
	w.Client.Mu.Lock()
	payload := w.Client.Payload
	w.Client.Mu.Unlock()
	if got := w.Client.Requests(); len(got) != 2 || got[1] != "redrive dead letter 1/7, edited, at notifier" || payload != `{"email":"cleo@example.com","n":12345678901234567890}` {
		b.T.Errorf("asked %v with %s", got, payload)
	}
}

// Everything by keys alone: from record to record, open and shut, the other scale, the dialog.
func testKeys(b *consoletest.Tab, _ *consoletest.World, address, _ string) {
	b.Open(address)
	b.Press("j")
	b.Press("j")
	b.Wait("document.activeElement.querySelector('code')?.textContent === 'authorize'")
	b.Press(kb.Enter)
	b.Wait("document.querySelector('.inside .code') && document.activeElement.getAttribute('aria-expanded') === 'true'")
	b.Press("k")
	b.Wait("document.activeElement.querySelector('code')?.textContent === 'new-user'")
	b.Press("j")
	b.Press(kb.Enter)
	b.Wait("!document.querySelector('.inside')")
	b.Do(chromedp.Focus("nav.seg a:last-child"))
	b.Press(kb.Enter)
	b.Wait("location.search === '?scale=steps' && document.querySelector('nav.seg a:last-child').getAttribute('aria-current')")
	b.Do(chromedp.Focus(".tools .danger"))
	b.Press(kb.Enter)
	b.Wait("document.querySelector('#act').open")
	b.Press(kb.Escape)
	b.Wait("!document.querySelector('#act').open && document.activeElement.matches('.tools .danger')")
}

func testNarrow(b *consoletest.Tab, _ *consoletest.World, address, _ string) {
	for _, query := range []string{"", "?event=notify/3/114", "?scale=steps"} {
		b.Do(consoletest.Emulate(390, 844, 1, "light"))
		b.Open(address + query)
		b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
		b.IsTrue("[...document.querySelectorAll('main a, main button')].every((e) => e.getBoundingClientRect().height >= 23.5)")
	}
	b.Do(consoletest.Emulate(1440, 900, 1, "light"))
}

func testAccessible(b *consoletest.Tab, _ *consoletest.World, address, _ string) {
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1440, 390} {
			b.Do(consoletest.Emulate(width, 900, 1, scheme))
			b.Open(address + "?event=notify/3/114")
			b.Axe(b.T, address+" "+scheme)
		}
	}
	b.Do(consoletest.Emulate(1440, 900, 1, "light"))
}

// A connection that breaks is taken up again, and nothing is missed meanwhile.
func testLost(b *consoletest.Tab, w *consoletest.World, _, id string) {
	cfg := w.Config(b.T)
	var now atomic.Pointer[console.Handler]
	now.Store(console.New(cfg))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { now.Load().ServeHTTP(rw, r) }))
	b.T.Cleanup(func() { now.Load().Close(); server.Close() })
	b.Open(server.URL + "/sagas/" + id)
	now.Load().Close()
	b.WaitText("#live", "Connection lost")
	w.Fail(id, "452 mailbox full", time.Now(), time.Now().Add(time.Hour))
	now.Store(console.New(cfg)) // up again
	b.WaitText("#saga-events", "452 mailbox full")
	b.WaitText("#live", "behind the log")
}
