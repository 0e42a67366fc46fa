package consoletest

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// FirstPaint is when the page showed its first content, in milliseconds after the browser was told to go there.
func (b *Tab) FirstPaint() float64 {
	b.T.Helper()
	b.Wait("performance.getEntriesByName('first-contentful-paint').length")
	at, err := chromedp.Run(b.Ctx, chromedp.Evaluate[float64]("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
	if err != nil {
		b.T.Fatal(err)
	}
	return at
}

// Busy is how long the page's main thread has worked so far, in seconds.
func (b *Tab) Busy() float64 {
	b.T.Helper()
	return b.Work()["TaskDuration"]
}

// Work tells what the page's main thread has done so far, in Chromium's words: TaskDuration is all of it, and ScriptDuration,
// RecalcStyleDuration and LayoutDuration are parts, all by the clock; ThreadTime is its time on a core, which neighbours don't lengthen. In seconds.
func (b *Tab) Work() map[string]float64 {
	b.T.Helper()
	work := map[string]float64{}
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, performance.Enable, performance.EnableParams{}); err != nil {
			return err
		}
		got, err := cdp.Call(ctx, target, performance.GetMetrics, cdp.Empty{})
		for _, m := range got.Metrics {
			work[m.Name] = m.Value
		}
		return err
	}))
	return work
}
