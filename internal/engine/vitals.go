package engine

import (
	"cmp"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/skald-saga/skald/internal/wire"
)

// vitals are what the loop and the handlers let the heart tell of the session.
type vitals struct {
	partitions atomic.Pointer[[]int32] // nil: none were given to the session yet
	changed    chan struct{}           // rings when partitions have changed; one place
	entries    atomic.Int64            // of accepted work in the ledgers, after the last turn
	parked     atomic.Int64            // handlers that ran for one of these entries then
	running    atomic.Int64            // handlers that run now
	handled    atomic.Int64
}

func newVitals() *vitals { return &vitals{changed: make(chan struct{}, 1)} }

// owns notes which partitions the session has now.
func (v *vitals) owns(partitions []int32) {
	v.partitions.Store(&partitions)
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// afterTurn notes what lies in the ledgers: whatever isn't done by the end of a turn is there.
func (v *vitals) afterTurn(s *Session) {
	entries := 0
	for _, l := range s.ledgers {
		entries += l.Live() - l.OpenSagas()
		if l.Checkpoint() != nil {
			entries--
		}
	}
	v.parked.Store(v.running.Load())
	v.entries.Store(int64(entries))
}

// fill writes down how the session is. The numbers are of slightly different moments, as the loop doesn't stand still for it.
func (v *vitals) fill(a *wire.Vitals) {
	a.Program, a.Library = versions()
	a.Partitions = nil
	if p := v.partitions.Load(); p != nil {
		a.Partitions = *p
	}
	a.InHand = v.entries.Load() + max(0, v.running.Load()-v.parked.Load())
	a.Handled = v.handled.Load()
}

// owned gives the partitions whose ledgers the session has, in order.
func (s *Session) owned() []int32 { return slices.Sorted(maps.Keys(s.ledgers)) }

const library = "github.com/skald-saga/skald"

// versions are those of the program, and of Skald in it, as the Go toolchain noted them in the binary.
var versions = sync.OnceValues(func() (program, skald string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	return versionsOf(info)
})

func versionsOf(info *debug.BuildInfo) (program, skald string) {
	program = info.Main.Version
	if info.Main.Path == library {
		return program, program
	}
	for _, d := range info.Deps {
		if d.Path == library {
			if d.Replace != nil {
				d = d.Replace
			}
			skald = cmp.Or(d.Version, "(devel)") // a replacement by a folder has none
		}
	}
	return program, skald
}
