package consoletest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Tab is a headless browser that looks at a console.
type Tab struct {
	T   *testing.T
	Ctx context.Context
}

// Browse starts a headless browser. Where none is installed the test is skipped, or fails if SKALD_TEST_BROWSER is "required". Whatever the page says to the browser's
// console is an error: a script that fails, or something inline that its security policy forbids.
func Browse(t *testing.T) *Tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium is not installed: the pages are not tried in a browser")
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
	return &Tab{t, ctx}
}

// Do runs actions in a bounded time.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.T.Fatal(err)
	}
}

// Open loads a page and waits for its stream.
func (b *Tab) Open(address string) {
	b.T.Helper()
	b.Do(chromedp.Navigate(address))
	b.Wait("document.documentElement.dataset.patches > 0")
}

func (b *Tab) Click(selector string) {
	b.T.Helper()
	b.Do(chromedp.Click(selector))
}

func (b *Tab) Press(keys string) {
	b.T.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Wait waits until a JavaScript expression is true.
func (b *Tab) Wait(expression string) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, Patience)
	defer cancel()
	poll := chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(Patience))
	_, err := chromedp.Run(ctx, poll)
	for err != nil && strings.Contains(err.Error(), "Cannot find context") { // of the page before: a navigation came between
		_, err = chromedp.Run(ctx, poll)
	}
	if err != nil {
		page, _ := chromedp.Run(b.Ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.T.Fatalf("never: %s: %v\n%s", expression, err, page)
	}
}

func (b *Tab) WaitText(selector, text string) {
	b.T.Helper()
	b.Wait(fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text))
}

func (b *Tab) IsTrue(expression string) {
	b.T.Helper()
	yes, err := chromedp.Run(b.Ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
	if err != nil || !yes {
		b.T.Errorf("not so: %s (%v)", expression, err)
	}
}

// Shots is where pictures go; empty for none.
func Shots() string { return os.Getenv("SKALD_SHOTS") }

// Settled waits until the stream's first patch has come, which follows the script's start by a tick.
var Settled = chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
	_, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.documentElement.dataset.patches > 0`))
	return err
})

// Emulate sets the viewport, the pixels per pixel and the colour scheme.
func Emulate(width, height int64, scale float64, scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride,
			emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: scale})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, target, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}

// Shot takes a picture of the page for people to look at.
func (b *Tab) Shot(file string) {
	b.T.Helper()
	png, err := chromedp.Run(b.Ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, png, 0o644)
	}
	if err != nil {
		b.T.Fatal(err)
	}
}
