package tracker

import "time"

// States of an instance, and of a service.
const (
	Up       = "up"
	Draining = "draining" // it was told to stop, and finishes what it has in hand
	Down     = "down"     // silent: three heartbeats in a row are missing
	Gone     = "gone"     // it said goodbye
)

// UnknownLag stands for a lag that nobody can tell: Kafka doesn't say how far the service has read, or not to the tracker.
const UnknownLag = -1

// Service is what the registry knows of a service. Numbers are those of its instances that are up or draining, together.
type Service struct {
	Name       string
	State      string   // the best that one of its instances has, in the order Up, Draining, Down, Gone; Gone if none is listed
	Versions   []string // of the programs of its instances that are up or draining, those started last first; else of the one that was the last
	Partitions []int32  // that they own
	Lag        int64    // events in its input topics and its inbox that it hasn't read yet, committed ones; or UnknownLag
	InHand     int64
	Handled    int64
	Rate       float64
	Topics     []TopicLag // its lag, by input topic; none while it is unknown
	Instances  []Instance // those that were started last first. Who said goodbye leaves after 10 minutes, who is silent after a day
}

// TopicLag is how many events of a topic a service hasn't read yet.
type TopicLag struct {
	Topic string // without the namespace prefix
	Lag   int64
}

// Instance is one process of a service. What its Skald doesn't announce, as it is older than this one, is zero.
type Instance struct {
	Name       string
	Up         bool // its last heartbeat is fresh and it didn't say goodbye: State is Up or Draining
	State      string
	Since      time.Time // since when it is so: up since its start, down since its last heartbeat
	Started    time.Time
	LastSeen   time.Time
	Version    string  // of its program, as its Go toolchain noted it: (devel) for one that was built from a changed working copy
	Library    string  // version of Skald in it
	Partitions []int32 // that it owns; of one that is down or gone, that it owned last
	TakenBy    []Takeover
	Lag        int64   // as in Service, of its partitions; UnknownLag for one that is down or gone
	InHand     int64   // events that it has accepted and not finished, as of its last heartbeat
	Handled    int64   // handlers that it has committed the result of since it was started: undos and attempts that failed included
	Rate       float64 // of these a second, over the last minute; 0 for one that is down or gone
}

// Takeover says which partitions of an instance that is down or gone another one owns now. Those that none owns are missing.
type Takeover struct {
	Instance   string
	Partitions []int32
}
