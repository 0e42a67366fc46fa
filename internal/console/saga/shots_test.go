package saga_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/skald-saga/skald/internal/console/consoletest"
)

// TestShots takes pictures of the page for people to look at: SKALD_SHOTS=/tmp/shots go test -run Shots.
func TestShots(t *testing.T) {
	if consoletest.Shots() == "" {
		t.Skip("set SKALD_SHOTS to a directory to get pictures")
	}
	if err := os.MkdirAll(consoletest.Shots(), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx := consoletest.Browse(t).Ctx
	for name, scene := range map[string]func() (*consoletest.World, string){"saga": retrying, "saga-compensated": rejected, "saga-halted": halted} {
		w, id := scene()
		_, server := consoletest.Serve(t, w.Config(t))
		for suffix, query := range map[string]string{"": "?event=notify/3/114", "-steps": "?scale=steps"} {
			for _, scheme := range []string{"light", "dark"} {
				for _, width := range []int64{1440, 390} {
					height, scale, narrow := int64(900), 1.0, ""
					if width == 390 {
						height, scale, narrow = 844, 2, "-390"
					}
					file := name + suffix + narrow + "-" + scheme + ".png"
					err := chromedp.Do(ctx, consoletest.Emulate(width, height, scale, scheme), chromedp.Navigate(server.URL+"/sagas/"+id+query), consoletest.Settled)
					if err != nil {
						t.Fatalf("%s: %v", file, err)
					}
					png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
					if err != nil {
						t.Fatalf("%s: %v", file, err)
					}
					if err := os.WriteFile(filepath.Join(consoletest.Shots(), file), png, 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
			t.Fatal(err)
		}
	}
}
