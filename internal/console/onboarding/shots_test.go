package onboarding_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

// TestShots takes pictures of the page for people to look at: SKALD_SHOTS=/tmp/shots go test -run Shots.
func TestShots(t *testing.T) {
	if consoletest.Shots() == "" {
		t.Skip("set SKALD_SHOTS to a directory to get pictures")
	}
	if err := os.MkdirAll(consoletest.Shots(), 0o755); err != nil {
		t.Fatal(err)
	}
	w := consoletest.Populated()
	_, server := consoletest.Serve(t, w.Config(t))
	down := consoletest.WithoutAuthorizer()
	_, downServer := consoletest.Serve(t, down.Config(t))
	press := func(js string) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("("+js+", true)"))
			return err
		})
	}
	trouble := consoletest.Troubled()
	_, troubledServer := consoletest.Serve(t, trouble.Config(t))
	var halted string
	for id, s := range trouble.ByID {
		if s.Status == tracker.Halted {
			halted = id
		}
	}
	asking := chromedp.Steps(press("document.querySelector('#saga-"+halted+" td.act button').click()"), chromedp.WaitVisible("#act [data-post]"))
	_, emptyServer := consoletest.Serve(t, consoletest.NewWorld().Config(t))
	refused := consoletest.Populated()
	refused.StartErr = errors.New("dial tcp 127.0.0.1:9092: connect: connection refused")
	refused.Behind = tracker.Lag{Since: time.Now().Add(-time.Minute)}
	_, refusing := consoletest.Serve(t, refused.Config(t))
	ctx := consoletest.Browse(t).Ctx
	nothing := press("0")
	wrong := chromedp.Steps(press("document.querySelector('#show-form').click()"), press("document.querySelector('#form .primary').click()"), chromedp.WaitVisible("#form [aria-invalid]"))
	for _, shot := range []struct {
		name, path string
		server     *httptest.Server
		width      int64
		scale      float64
		then       chromedp.Action[chromedp.Void]
	}{
		{"onboarding", "/", server, 1440, 1, nothing},
		{"onboarding-trace-off", "/?trace=off", server, 1440, 1, nothing},
		{"onboarding-mailbox", "/?mail=2", server, 1440, 1, nothing},
		{"onboarding-down", "/", downServer, 1440, 1, nothing},
		{"trouble", "/", troubledServer, 1440, 1, nothing},
		{"trouble-1100", "/", troubledServer, 1100, 1, nothing},
		{"trouble-390", "/", troubledServer, 390, 2, nothing},
		{"actions", "/", troubledServer, 1440, 1, asking},
		{"actions-390", "/", troubledServer, 390, 2, asking},
		{"onboarding-empty", "/", emptyServer, 1440, 1, nothing},
		{"onboarding-390", "/", server, 390, 2, nothing},
		{"onboarding-390-off", "/?trace=off", server, 390, 2, nothing},
		{"onboarding-1100", "/", server, 1100, 1, nothing},
		{"form", "/", server, 1440, 1, wrong},
		{"form-390", "/", server, 390, 2, wrong},
		{"keys", "/", server, 1440, 1, press("document.querySelector('#show-keys').click()")},
		{"refused", "/", refusing, 1440, 1, chromedp.Steps(press("document.querySelector('[data-onboard]').click()"), chromedp.WaitVisible("#failed"))},
	} {
		for _, scheme := range []string{"light", "dark"} {
			height := int64(900)
			if shot.width == 390 {
				height = 844
			}
			err := chromedp.Do(ctx, consoletest.Emulate(shot.width, height, shot.scale, scheme), chromedp.Navigate(shot.server.URL+shot.path), consoletest.Settled, shot.then)
			if err != nil {
				t.Fatalf("%s: %v", shot.name, err)
			}
			png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatalf("%s: %v", shot.name, err)
			}
			if err := os.WriteFile(filepath.Join(consoletest.Shots(), shot.name+"-"+scheme+".png"), png, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
