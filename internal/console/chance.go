package console

import (
	"math"
	"strconv"
)

// mostFailures is how often a service of the demo may be made to fail, in per cent: beyond it little comes home.
const mostFailures = 50

// chance is how often a service of the demo fails.
type chance struct {
	Service string
	Percent int
	Top     int // the slider's right end
}

func (d *Demo) chances() []chance {
	chaos := d.Faults.Chaos()
	var all []chance
	for _, s := range d.Services.List() {
		c := chance{Service: s.Name, Percent: int(math.Round(100 * chaos[s.Name]))}
		c.Top = max(mostFailures, c.Percent) // more can be set by a flag
		all = append(all, c)
	}
	return all
}

func percent(n int) string { return strconv.Itoa(n) + " %" }
