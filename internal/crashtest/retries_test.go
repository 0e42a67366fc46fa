package crashtest

import (
	"cmp"
	"encoding/json"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// retry is a timer: an attempt at an event has failed, and the next one is due.
type retry struct {
	event   string // its ID
	attempt int    // that failed
	noted   time.Time
	due     time.Time
}

// followRetries reads a service's ledger while it is written, as what is done is trimmed away. What it gives ends the reading.
func (r *run) followRetries(service string) func() []retry {
	topic := r.prefix + "skald." + service + ".ledger"
	reader, err := kgo.NewClient(kgo.SeedBrokers(r.cluster.addrs...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.UnknownTopicRetries(-1))
	if err != nil {
		r.t.Fatal(err)
	}
	done, told := make(chan struct{}), []retry{}
	go func() {
		defer close(done)
		for {
			fetches := reader.PollFetches(r.ctx)
			if fetches.IsClientClosed() || r.ctx.Err() != nil {
				return
			}
			fetches.EachRecord(func(record *kgo.Record) {
				var entry struct {
					Op      string    `json:"op"`
					ID      string    `json:"id"`
					State   string    `json:"state"`
					Attempt int       `json:"attempt"`
					Due     time.Time `json:"due"`
				}
				if json.Unmarshal(record.Value, &entry) == nil && entry.Op == "put" && entry.State == "retrying" {
					told = append(told, retry{entry.ID, entry.Attempt, record.Timestamp, entry.Due})
				}
			})
		}
	}()
	stop := func() []retry {
		reader.Close()
		<-done
		return told
	}
	r.t.Cleanup(func() { stop() })
	return stop
}

// attempt is the one that an event's mail came of.
type attempt struct {
	number int
	began  time.Time
}

// checkRetries: what the notifier mailed at the second attempt or later was due by then (all processes have this machine's clock), each
// failure was noted once, and none was the last that was heard of an event.
//
// An attempt may have begun before the failure of the one before was noted: a process that loses its partitions for a while, and
// then has them again, still has what its own handler returned, and doesn't run it twice. It counts as the next attempt.
func (e *evidence) checkRetries(v *violations) {
	noted := map[string]map[int]retry{}
	for _, r := range e.retries {
		if noted[r.event] == nil {
			noted[r.event] = map[int]retry{}
		}
		if before, twice := noted[r.event][r.attempt]; twice && !before.due.Equal(r.due) { // an entry may be written again as it is
			v.addf("retry twice", "attempt %d at event %s was followed by one due at %v, and one at %v", r.attempt, r.event, before.due, r.due)
		}
		noted[r.event][r.attempt] = r
	}
	last := map[string]attempt{}
	for _, r := range e.records["notified"] {
		event := r.headers["ce_causationid"]
		a, err := r.attempt()
		if err != nil {
			v.addf("attempt", "at event %s: %v", event, err)
			continue
		}
		last[event] = a
		if a.number == 1 {
			continue
		}
		switch before, told := noted[event][a.number-1]; {
		case !told:
			v.addf("retry not told", "attempt %d at event %s", a.number, event)
		case a.began.Before(before.due) && !a.began.Before(before.noted):
			v.addf("retry early", "attempt %d at event %s began at %v and was due at %v", a.number, event, a.began, before.due)
		}
	}
	for event, all := range noted {
		for number, r := range all {
			if a := last[event]; a.number <= number {
				v.addf("retry lost", "after attempt %d at event %s, noted at %v: the last is attempt %d, which began at %v", number, event, r.noted, a.number, a.began)
			}
		}
	}
}

// attempt reads which attempt an output is of. What isn't said is what is as a rule the case: the first, begun when the event was accepted.
func (r *record) attempt() (a attempt, err error) {
	number, began := cmp.Or(r.headers["ce_attempt"], "1"), cmp.Or(r.headers["ce_startedtime"], r.headers["ce_acceptedtime"])
	if a.number, err = strconv.Atoi(number); err != nil {
		return a, err
	}
	a.began, err = time.Parse(time.RFC3339Nano, began)
	return a, err
}
