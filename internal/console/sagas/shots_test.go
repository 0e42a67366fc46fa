package sagas_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

// crowded is a world in trouble with more sagas than a page has rows.
func crowded() *consoletest.World {
	w := consoletest.Troubled()
	for _, id := range ids(w) {
		w.Alter(id, func(s *tracker.Saga) {
			s.Deadline = s.Started.Add(24 * time.Hour)
			if s.Subject == "ivar.solheim@example.com" {
				s.Stuck, s.Usual = true, 900*time.Millisecond
			}
			if s.Subject == "dag.haraldsen@example.com" {
				s.Started = s.Started.Add(-25 * time.Hour)
				s.Deadline = s.Started.Add(24 * time.Hour)
			}
		})
	}
	for i := range 70 {
		id := w.Onboard(consoletest.User(fmt.Sprintf("user%02d", i)))
		w.Clock = w.Clock.Add(time.Millisecond)
		if i%7 == 0 {
			w.Complete(id, 250*time.Millisecond)
			w.Alter(id, func(s *tracker.Saga) { s.Ended = s.Ended.Add(-time.Duration(i) * 40 * time.Second) })
		} else if i%3 == 0 {
			w.Pass(id, time.Second)
		}
	}
	return w
}

func ids(w *consoletest.World) []string {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	var all []string
	for id := range w.ByID {
		all = append(all, id)
	}
	return all
}

// TestShots takes pictures of the page for people to look at: SKALD_SHOTS=/tmp/shots go test -run Shots.
func TestShots(t *testing.T) {
	if consoletest.Shots() == "" {
		t.Skip("set SKALD_SHOTS to a directory to get pictures")
	}
	w := crowded()
	_, server := consoletest.Serve(t, w.Config(t))
	_, empty := consoletest.Serve(t, consoletest.NewWorld().Config(t))
	b := consoletest.Browse(t)
	for _, shot := range []struct{ name, address, do string }{
		{"", server.URL + "/sagas?order=oldest", ""},
		{"-selected", server.URL + "/sagas?order=oldest&status=open&workflow=onboarding", "document.querySelector('#pick-page').click()"},
		{"-dialog", server.URL + "/sagas?order=oldest&status=open", "document.querySelector('#pick-page').click(), document.querySelector('[data-bulk=cancel]').click()"},
		{"-filter", server.URL + "/sagas?order=oldest&status=halted", "document.querySelector('.filters .menu summary').click()"},
		{"-nothing", server.URL + "/sagas?status=blocked&service=notifier", ""},
		{"-empty", empty.URL + "/sagas", ""},
	} {
		for _, scheme := range []string{"light", "dark"} {
			for _, size := range []struct {
				width, height int64
				scale         float64
			}{{1440, 900, 1}, {390, 844, 2}} {
				b.Do(consoletest.Emulate(size.width, size.height, size.scale, scheme))
				b.Open(shot.address)
				if shot.do != "" {
					b.Wait("(" + shot.do + ", true)")
				}
				if shot.name == "-dialog" {
					b.Wait("document.querySelector('#bulk-ask').open")
				}
				b.Shot(filepath.Join(consoletest.Shots(), fmt.Sprintf("sagas%s-%d-%s.png", shot.name, size.width, scheme)))
			}
		}
	}
}
