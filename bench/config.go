package bench

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// Contestant is one way to run the chain.
type Contestant string

// The contestants.
const (
	Skald      Contestant = "skald"
	Tracked    Contestant = "tracked"    // Skald, beside a tracker that reads along into SQLite
	Tuned      Contestant = "tuned"      // bare franz-go: settle, one produce request per transaction, at most 2,000 records
	Documented Contestant = "documented" // bare franz-go, as its example examples/transactions/eos has the loop
)

// Contestants are all of them, in the order of the tables.
var Contestants = []Contestant{Skald, Tracked, Tuned, Documented}

// standard are those that take part unless others are named.
var standard = []Contestant{Skald, Tuned, Documented}

// isSkald says whether the chain is Skald's.
func (c Contestant) isSkald() bool { return c == Skald || c == Tracked }

// Brokers that the bench starts itself. Any other is a host:port on this machine.
const (
	Embedded = "embedded"
	Apache   = "apache"
)

// DefaultDuration is how long a turn of an open loop is measured.
const DefaultDuration = 10 * time.Second

// Config says what to measure. Lists are crossed: every broker with every partition count, process count and load.
type Config struct {
	Brokers     []string     // Embedded, Apache or host:port, loopback only; default Embedded
	Contestants []Contestant // default Skald, Tuned and Documented
	Partitions  []int        // default 4
	Processes   []int        // of the services, per contestant, each running all three; default 1
	Outstanding []int        // closed loops: how many sagas are under way at a time
	Rate        int          // open loop: sagas begun per second, at random moments (Poisson); 0 is none

	Rounds   int           // turns of each contestant per scenario, default 3
	Sagas    int           // measured per turn of a closed loop, after a warm-up; default 10,000, at least 5 x outstanding
	Duration time.Duration // measured per turn of the open loop, after a warm-up of 2 s; default 10 s

	// Patience is how long no saga may end before those still out count as lost. Default 15 s.
	Patience time.Duration

	// Worker is the command that makes this binary call Main, and Env what it needs in its environment beside this process's.
	Worker []string
	Env    []string

	// Profile is a folder for profiles of the services, two per process and turn: CPU time while it is measured, and
	// allocations since the start. Default none.
	Profile string

	// Progress is called as often as something changes, from one goroutine at a time. It must return at once. Default none.
	Progress func(Progress)

	fault string // of every contestant: what the bench's own test must detect
}

// Progress says where a run is.
type Progress struct {
	Turn, Turns int // from 1
	Scenario    Scenario
	Contestant  Contestant
	Round       int // from 1; 0 while a broker warms up
	Ended, Of   int // sagas of this turn
	Measure     *Measure
}

// Check says what Run would refuse.
func (c Config) Check() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults fills in what isn't set and refuses what can't be run.
func (c Config) withDefaults() (Config, error) {
	setDefault(&c.Rounds, 3)
	setDefault(&c.Sagas, 10_000)
	setDefault(&c.Duration, DefaultDuration)
	setDefault(&c.Patience, 15*time.Second)
	for list, value := range map[*[]int]int{&c.Partitions: 4, &c.Processes: 1} {
		if len(*list) == 0 {
			*list = []int{value}
		}
	}
	if len(c.Brokers) == 0 {
		c.Brokers = []string{Embedded}
	}
	if len(c.Contestants) == 0 {
		c.Contestants = standard
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	return c, c.check()
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// The bounds keep every run finite: the topics lie in memory or on this machine's disk.
func (c Config) check() error {
	errs := []error{
		within("rounds", 1, 100, c.Rounds),
		within("sagas", 1, 10_000_000, c.Sagas),
		within("partitions", 1, 64, c.Partitions...),
		within("processes", 1, 16, c.Processes...),
		within("outstanding", 1, 65_536, c.Outstanding...),
		within("rate", 0, 100_000, c.Rate),
		within("duration in seconds", 1, 600, int(c.Duration/time.Second)),
	}
	for _, contestant := range c.Contestants {
		if !slices.Contains(Contestants, contestant) {
			errs = append(errs, fmt.Errorf("contestant %q: %v are allowed", contestant, Contestants))
		}
	}
	for _, broker := range c.Brokers {
		errs = append(errs, checkBroker(broker))
	}
	if c.turns() == 0 {
		errs = append(errs, errors.New("there is nothing to do: give a load (outstanding sagas or a rate), and no more processes than partitions"))
	}
	return errors.Join(errs...)
}

// sagas are those measured in a turn of a closed loop. They end in bursts of up to some 2,000, or all that are outstanding; fewer
// than a few bursts say nothing.
func (c Config) sagas(s Scenario) int { return max(c.Sagas, 5*s.Outstanding) }

func (c Config) turns() int {
	n := 0
	for _, broker := range c.Brokers {
		n += len(c.scenarios(broker)) * c.Rounds * len(c.Contestants)
	}
	return n
}

func within(what string, least, most int, values ...int) error {
	for _, value := range values {
		if value < least || value > most {
			return fmt.Errorf("%s: %d is not within %d and %d", what, value, least, most)
		}
	}
	return nil
}

// checkBroker refuses other machines: a benchmark is a flood, and nobody there has asked for it.
func checkBroker(name string) error {
	if name == Embedded || name == Apache {
		return nil
	}
	host, _, err := net.SplitHostPort(name)
	if err != nil {
		return fmt.Errorf("broker %q: %s, %s or host:port is wanted", name, Embedded, Apache)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("broker %q: only brokers on this machine are benchmarked (127.0.0.1, [::1] or localhost)", name)
	}
	return nil
}
