package waterfall

import (
	"math"
	"strconv"
	"time"
)

// Measures in pixels.
const (
	laneHeight = 62
	middle     = 37 // of a lane, where its thread is
	footHeight = 29 // below the lanes, for the times
)

// Percent is a place on the chart's width.
type Percent float64

func (p Percent) String() string {
	return strconv.FormatFloat(math.Round(1000*float64(p))/1000, 'f', -1, 64)
}

// Chart is a waterfall as shapes.
type Chart struct {
	Lanes   []Lane
	Height  int // of the lanes
	Full    int // with the times below
	Width   int // pixels that it needs at least; 0: no more than the page gives
	Left    int // hops that are left out, before those shown
	Since   time.Time
	Future  Percent // where what is to come begins; 100: nothing is
	Queued  []Bar
	Bars    []Bar
	Next    []Bar // to come
	Strands []Strand
	Cuts    []Cut
	Ticks   []Tick
	Now     bool // Future is now
	Tip     *Tip
	Closed  *Closed
	Kinds   []Kind // that are on it, for the legend
	Words   string // the same as text
	Note    string // what is odd about its times
}

// Lane is one service.
type Lane struct {
	Service, Role string
	Line          int // y of its lower edge
}

// Kind is a sort of shape in the legend.
type Kind struct{ Class, Word string }

// Bar is a piece of time, or of what is to come.
type Bar struct {
	Class  string // w-queue, w-run, w-fail, w-reject, w-undo, w-next
	X, W   Percent
	Y, H   int
	Cap    string // cross, back, or nothing: a sign in it
	CapX   Percent
	CapY   int
	Title  string
	Label  string // above it; empty: there is no room
	LabelX Percent
	LabelY int
	Middle bool // the label is centred on LabelX
}

// Strand is a piece of the thread, in a box of 1,000 by Height.
type Strand struct{ Class, Path string }

// Cut is a wait that isn't to scale.
type Cut struct {
	X      Percent
	Y      int
	Label  string
	LabelX Percent // its middle
	LabelY int
}

// Tick is a mark of time.
type Tick struct {
	X     Percent
	Label string
	First bool
}

// Tip is where the token is.
type Tip struct {
	X          Percent
	Y, LabelY  int
	Class      string
	Due, Since time.Time // what its label counts to, or from
	Word       string    // its label, if it counts nothing
	LabelX     Percent
	Ends       bool // the label ends at LabelX instead of beginning there
}

// Closed is where a saga ended.
type Closed struct {
	X       Percent
	Y       int
	Outcome string
}

func laneY(lane int) int { return lane*laneHeight + middle }
