package sagas_test

import (
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/skald-saga/skald/internal/console/consoletest"
)

// The menu of exports, by keys, wide and narrow, light and dark.
func TestExportMenu(t *testing.T) {
	w := crowded()
	_, server := consoletest.Serve(t, w.Config(t))
	b := consoletest.Browse(t)
	for _, width := range []int64{1440, 390} {
		scheme := map[int64]string{1440: "light", 390: "dark"}[width]
		b.Do(consoletest.Emulate(width, 844, 1, scheme))
		b.Open(server.URL + "/sagas?status=open")
		b.Do(chromedp.Focus(".sagas-tools details:last-child summary"))
		b.Press(kb.Enter)
		b.Wait("document.querySelector('.sagas-tools details:last-child').open")
		b.Axe(t, "exports "+scheme)
		b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
		b.IsTrue("document.querySelector('.sagas-tools details:last-child ul').getBoundingClientRect().left >= 0")
		if dir := consoletest.Shots(); dir != "" {
			b.Shot(filepath.Join(dir, "export-"+scheme+".png"))
		}
		b.Press(kb.Tab)
		b.IsTrue("document.activeElement.matches('a[download][href=\"/api/v1/sagas/export?format=csv&status=open\"]')")
		b.Press(kb.Escape)
		b.IsTrue("!document.querySelector('.sagas-tools details:last-child').open && document.activeElement.matches('summary')")
	}
	b.Do(consoletest.Emulate(1440, 900, 1, "light"), chromedp.Navigate("about:blank"))
}
