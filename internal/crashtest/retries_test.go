package crashtest

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// retry is a timer: an attempt at an event has failed, and the next one is due.
type retry struct {
	event   string // its ID
	attempt int    // that failed
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
					told = append(told, retry{entry.ID, entry.Attempt, entry.Due})
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

// checkRetries: what the notifier mailed at the second attempt or later was due by then (all processes have this machine's clock), each
// failure was noted once, and none was the last that was heard of an event.
func (e *evidence) checkRetries(v *violations) {
	due := map[string]map[int]time.Time{}
	for _, r := range e.retries {
		if due[r.event] == nil {
			due[r.event] = map[int]time.Time{}
		}
		if before, twice := due[r.event][r.attempt]; twice && !before.Equal(r.due) { // an entry may be written again as it is
			v.addf("retry twice", "attempt %d at event %s was followed by one due at %v, and one at %v", r.attempt, r.event, before, r.due)
		}
		due[r.event][r.attempt] = r.due
	}
	attempts := map[string]int{}
	for _, r := range e.records["notified"] {
		event := r.headers["ce_causationid"]
		attempts[event] = 1
		text, again := r.headers["ce_attempt"]
		if !again {
			continue
		}
		attempt, err := strconv.Atoi(text)
		began, err2 := time.Parse(time.RFC3339Nano, r.headers["ce_startedtime"])
		if err != nil || err2 != nil || attempt < 2 {
			v.addf("attempt", "%s began at %q with attempt %q", event, r.headers["ce_startedtime"], text)
			continue
		}
		attempts[event] = attempt
		at, told := due[event][attempt-1]
		switch {
		case !told:
			v.addf("retry not told", "attempt %d at event %s", attempt, event)
		case began.Before(at):
			v.addf("retry early", "attempt %d at event %s began at %v and was due at %v", attempt, event, began, at)
		}
	}
	for event, all := range due {
		for attempt := range all {
			if attempts[event] <= attempt {
				v.addf("retry lost", "after attempt %d at event %s, which ended with attempt %d", attempt, event, attempts[event])
			}
		}
	}
}
