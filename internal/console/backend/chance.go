package backend

import "math"

// mostFailures is how often a service of the demo may be made to fail, in per cent: beyond it little comes home.
const mostFailures = 50

// Chance is how often a service of the demo fails.
type Chance struct {
	Service string
	Percent int
	Top     int // the slider's right end
}

// Chances tells of every service, in the order of the chain.
func (d *Demo) Chances() []Chance {
	chaos := d.Faults.Chaos()
	var all []Chance
	for _, s := range d.Services.List() {
		c := Chance{Service: s.Name, Percent: int(math.Round(100 * chaos[s.Name]))}
		c.Top = max(mostFailures, c.Percent) // more can be set by a flag
		all = append(all, c)
	}
	return all
}
