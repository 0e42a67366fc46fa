package bench

import "fmt"

// Scenario is one thing to measure: all contestants meet the same.
type Scenario struct {
	Broker      string `json:"broker"` // as in Config.Brokers
	Partitions  int    `json:"partitions"`
	Processes   int    `json:"processes"`
	Outstanding int    `json:"outstanding,omitempty"` // closed loop
	Rate        int    `json:"rate,omitempty"`        // open loop
}

// Load says how sagas are begun.
func (s Scenario) Load() string {
	if s.Rate > 0 {
		return fmt.Sprintf("%d sagas/s", s.Rate)
	}
	return fmt.Sprintf("%d outstanding", s.Outstanding)
}

func (s Scenario) String() string {
	return fmt.Sprintf("%s, %s, %s, %s", s.Broker, count(s.Partitions, "partition"), count(s.Processes, "process"), s.Load())
}

func count(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case what == "process":
		return fmt.Sprintf("%d processes", n)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// scenarios lists what to measure on one broker. More processes than partitions are left out: the surplus would have no work.
func (c Config) scenarios(broker string) []Scenario {
	var all []Scenario
	for _, partitions := range c.Partitions {
		for _, processes := range c.Processes {
			if processes > partitions {
				continue
			}
			base := Scenario{Broker: broker, Partitions: partitions, Processes: processes}
			for _, outstanding := range c.Outstanding {
				s := base
				s.Outstanding = outstanding
				all = append(all, s)
			}
			if c.Rate > 0 {
				s := base
				s.Rate = c.Rate
				all = append(all, s)
			}
		}
	}
	return all
}
