package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// MaxLag is the longest lag that can be asked for: beyond it a demo only seems to hang.
const MaxLag = time.Hour

// Range is a span of time from which lags are drawn, each length as likely as another. The zero Range is no lag.
type Range struct{ Min, Max time.Duration }

// ParseRange reads a range as "0s..3s", or a fixed lag as "500ms". Its error says what is allowed.
func ParseRange(s string) (Range, error) {
	from, to, isRange := strings.Cut(strings.TrimSpace(s), "..")
	if !isRange {
		to = from
	}
	var r Range
	var err error
	if r.Min, err = time.ParseDuration(from); err == nil {
		r.Max, err = time.ParseDuration(to)
	}
	if err != nil {
		return Range{}, fmt.Errorf("lag %q: two durations are wanted, such as 0s..3s, or one, such as 500ms", s)
	}
	if err := r.check(); err != nil {
		return Range{}, err
	}
	return r, nil
}

// String is the range as [ParseRange] reads it.
func (r Range) String() string { return r.Min.String() + ".." + r.Max.String() }

func (r Range) check() error {
	switch {
	case r.Min < 0:
		return fmt.Errorf("lag %s: it can't be negative", r)
	case r.Max < r.Min:
		return fmt.Errorf("lag %s: the shorter duration comes first", r)
	case r.Max > MaxLag:
		return fmt.Errorf("lag %s: at most %s is allowed", r, MaxLag)
	}
	return nil
}

func (r Range) draw(random *rand.Rand) time.Duration {
	return r.Min + time.Duration(random.Int64N(int64(r.Max-r.Min)+1))
}
