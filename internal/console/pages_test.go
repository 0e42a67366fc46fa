package console_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/skald-saga/skald/internal/console/consoletest"
)

// Every page, with everything in it that can go wrong, in both colour schemes, wide and narrow: no rule of accessibility is
// broken, and nothing is wider than the window.
func TestPagesAreAccessible(t *testing.T) {
	w := consoletest.Troubled()
	_, server := consoletest.Serve(t, w.Config(t))
	b := consoletest.Browse(t)
	paths := []string{"/", "/?trace=off", "/?mail=open", "/map", "/services", "/failures", "/sagas", "/audit"}
	for id := range w.ByID { // in every state that there is
		paths = append(paths, "/sagas/"+id)
	}
	for _, path := range paths {
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1440, 390} {
				if strings.HasPrefix(path, "/sagas/") && scheme == "dark" && width == 390 {
					continue // what is narrow is as in light, what is dark as when it's wide
				}
				b.Do(consoletest.Emulate(width, 900, 1, scheme))
				b.Open(server.URL + path)
				b.Axe(t, path+" "+scheme)
				b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
			}
		}
	}
	for _, path := range []string{"/nowhere", "/sagas/four", "/map?window=2h"} {
		b.Do(chromedp.Navigate(server.URL + path))
		b.Wait("document.querySelector('main .empty a.btn')")
		b.Axe(t, path)
		b.IsTrue("document.documentElement.scrollWidth <= innerWidth")
		if dir := consoletest.Shots(); dir != "" {
			b.Shot(filepath.Join(dir, "refusal"+strings.NewReplacer("/", "-", "?", "-").Replace(path)+".png"))
		}
	}
	b.Open(server.URL)
	for name, open := range map[string]string{
		"form": "document.querySelector('#show-form').click()", "keys": "document.querySelector('#show-keys').click()",
		"act": "document.querySelector('[data-act]').click()",
	} {
		b.Wait("(" + open + ", true)")
		b.Wait("document.querySelector('#" + name + "').open && document.querySelector('#" + name + " h2')")
		b.Axe(t, "dialog "+name)
		b.Wait("(document.querySelector('#" + name + "').close(), true)")
	}
	b.Do(chromedp.Navigate("about:blank"))
}
