package engine_test

import (
	"runtime/debug"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// heard waits for an announcement that the condition holds for.
func (w *world) heard(what string, condition func(wire.Announcement) bool) {
	w.t.Helper()
	w.readUntil("skald.services", "an announcement of "+what, func(records []*kgo.Record) bool {
		return slices.ContainsFunc(records, func(r *kgo.Record) bool {
			a, err := wire.DecodeAnnouncement(r.Value)
			if err != nil {
				w.t.Fatal(err)
			}
			return condition(a)
		})
	})
}

// A service announces what it owns, what it has in hand and has handled, that it drains, and goodbye.
func TestAnnouncesHowItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, brokertest.Embedded(t), 4, "in", "out")
	h := newHandlers()
	open := make(chan struct{})
	h.gate = func(string, *wire.Event) <-chan struct{} { return open }
	p := w.run(w.config(), h.worker())
	all := []int32{0, 1, 2, 3}
	w.heard("its partitions", func(a wire.Announcement) bool {
		return slices.Equal(a.Partitions, all) && a.InHand == 0 && a.Handled == 0
	})
	sagas := w.starts("in", 20)
	w.heard("20 in hand", func(a wire.Announcement) bool { return a.InHand == 20 && a.Handled == 0 && !a.Draining })
	p.cancel()
	w.heard("its drain", func(a wire.Announcement) bool {
		return a.Draining && !a.Stopped && a.InHand == 20 && slices.Equal(a.Partitions, all)
	})
	close(open)
	w.await("out", len(sagas))
	p.stop()
	w.heard("its goodbye", func(a wire.Announcement) bool {
		return a.Stopped && a.InHand == 0 && a.Handled == 20 && slices.Equal(a.Partitions, all)
	})
}

func TestVersionsAreThoseOfTheBinary(t *testing.T) {
	skald := func(version string, replace *debug.Module) []*debug.Module {
		return []*debug.Module{{Path: "example.com/other", Version: "v9"}, {Path: "github.com/skald-saga/skald", Version: version, Replace: replace}}
	}
	for _, test := range []struct {
		info                  debug.BuildInfo
		wantProgram, wantUsed string
	}{
		{debug.BuildInfo{Main: debug.Module{Path: "github.com/skald-saga/skald", Version: "v0.4.3"}}, "v0.4.3", "v0.4.3"},
		{debug.BuildInfo{Main: debug.Module{Path: "example.com/shop", Version: "v1.1.0"}, Deps: skald("v0.4.3", nil)}, "v1.1.0", "v0.4.3"},
		{debug.BuildInfo{Main: debug.Module{Path: "example.com/shop", Version: "(devel)"}, Deps: skald("v0.4.3", &debug.Module{Path: "../skald"})}, "(devel)", "(devel)"},
		{debug.BuildInfo{Main: debug.Module{Path: "example.com/shop"}}, "", ""},
	} {
		if program, used := engine.VersionsOf(&test.info); program != test.wantProgram || used != test.wantUsed {
			t.Errorf("%+v: program %q, Skald %q", test.info.Main, program, used)
		}
	}
}
