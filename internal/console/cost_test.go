package console_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/skald-saga/skald/internal/console/consoletest"
)

// TestPageCost measures what pages cost a browser, for docs/benchmarks.md: SKALD_PAGE_COST=1 go test -run PageCost -v. It asserts nothing of
// times, as these are the machine's.
func TestPageCost(t *testing.T) {
	if os.Getenv("SKALD_PAGE_COST") == "" {
		t.Skip("set SKALD_PAGE_COST=1 to measure")
	}
	w := consoletest.NewWorld()
	var ids []string
	for i := range 200 {
		w.Clock = w.Clock.Add(time.Millisecond)
		ids = append(ids, w.Onboard(consoletest.User(fmt.Sprint("user", i))))
	}
	_, server := consoletest.Serve(t, w.Config(t))
	b := consoletest.Browse(t)
	for _, path := range []string{"/", "/sagas", "/sagas/" + ids[0], "/map", "/failures", "/services"} {
		var paints []float64
		for range 11 {
			b.Do(chromedp.Navigate("about:blank"), chromedp.Navigate(server.URL+path))
			paints = append(paints, b.FirstPaint())
		}
		slices.Sort(paints)
		t.Logf("first paint of %s: median %.0f ms, of 11 %.0f to %.0f ms", path, paints[5], paints[0], paints[10])
	}
	b.Open(server.URL + "/")
	const perSecond, seconds = 500, 10
	began, before := time.Now(), b.Work()
	pace := time.NewTicker(time.Second / perSecond)
	defer pace.Stop()
	for i := range perSecond * seconds {
		<-pace.C
		w.Retry(ids[i%len(ids)], "SMTP 451 try again later", 1+i/len(ids)%7, time.Now().Add(5*time.Second)) // one cell of one row
	}
	took := time.Since(began).Seconds()
	share := func(part string) float64 { return 100 * (b.Work()[part] - before[part]) / took }
	t.Logf("%.0f cell changes a second for %.1f s: the main thread was busy for %.1f %% (%.1f %% of a core): scripts %.1f %%, styles %.1f %%, layout %.1f %%", float64(perSecond*seconds)/took,
		took, share("TaskDuration"), share("ThreadTime"), share("ScriptDuration"), share("RecalcStyleDuration"), share("LayoutDuration"))
	b.Do(chromedp.Navigate("about:blank"))
}
