package tracker

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

func TestRetention(t *testing.T) { eachStore(t, testRetention) }

func testRetention(t *testing.T, st *store.Store) {
	j := newJournal()
	for n := range 8 {
		s := plain(n)
		switch n {
		case 0:
			s.HaltedAt = 1
		case 1:
			s.Stops = 2
		}
		j.write(s)
	}
	putRecords(t, st, j.records)
	began := time.Now()
	pruned := func(keepFor time.Duration, keepSagas int64, now time.Time, caughtUp bool) map[string]int64 {
		t.Helper()
		tr := New(Config{Store: st, Logger: quiet, KeepFor: keepFor, KeepSagas: keepSagas})
		tr.lag.looked(map[partition]int64{{"new-user", 0}: 1}, true, began)
		if caughtUp {
			tr.lag.readTo(map[partition]int64{{"new-user", 0}: 1})
		}
		if _, err := tr.prune(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		counts, err := tr.Counts(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return counts
	}
	sinceEnd := time.Since(epoch)
	for _, test := range []struct {
		name      string
		keepFor   time.Duration
		keepSagas int64
		now       time.Time
		caughtUp  bool
		completed int64
	}{
		{"for ever", -1, -1, began, true, 6},
		{"young enough, and few enough", sinceEnd + time.Hour, 6, began, true, 6},
		{"behind the log for too long", -1, 1, began.Add(2 * settled), true, 6},
		{"the log hasn't been read yet", -1, 1, began, false, 6},
		{"two too many", -1, 4, began, true, 4},
		{"all too old", sinceEnd - time.Hour, -1, began, true, 0},
	} {
		want := map[string]int64{Halted: 1, Running: 1}
		if test.completed > 0 {
			want[wire.Completed] = test.completed
		}
		if diff := cmp.Diff(want, pruned(test.keepFor, test.keepSagas, test.now, test.caughtUp)); diff != "" {
			t.Errorf("%s: wanted (-), left (+):\n%s", test.name, diff)
		}
	}
}

func TestRunPrunes(t *testing.T) {
	broker := startBroker(t, "127.0.0.1:0")
	client, j := newClient(t, broker.Addr()), newJournal()
	for n := range 5 {
		j.write(plain(n))
	}
	last := j.write(plain(5))
	produce(t, client, "", append(heartbeats(time.Now(), time.Minute, false), j.records...))
	tr, _ := run(t, Config{Connection: kafka.Connection{Brokers: []string{broker.Addr()}}, Store: openStore(t), KeepSagas: 1})
	eventually(t, "all but one to go", func() bool { return testutil.ToFloat64(tr.metrics.pruned) == 5 })
	if !completed(tr, last)() {
		t.Error("the one that ended last is gone, too")
	}
}

func TestHorizon(t *testing.T) { brokertest.Each(t, testHorizon) }

func testHorizon(t *testing.T, b brokertest.Broker) {
	ns := wire.Namespace(b.Prefix)
	client, j := newClient(t, b.Addrs[0]), newJournal()
	j.now = time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond) // Kafka's own retention mustn't take it
	began := j.now
	for n := range 8 {
		j.write(plain(n))
	}
	produce(t, client, ns, append(heartbeats(time.Now(), time.Minute, false), j.records...))
	horizon := func() Horizon {
		tr, stop := run(t, Config{Connection: kafka.Connection{Brokers: b.Addrs}, Namespace: ns, Store: openStore(t)})
		defer stop()
		eventually(t, "all topics to be read", func() bool {
			return tr.horizonOf() == len(chain)+1 // and outcomes; nothing else is there
		})
		return tr.Status().Log
	}
	if h := horizon(); !h.Whole || h.Since.Before(began) || h.Since.After(began.Add(time.Second)) {
		t.Errorf("the whole log is there since %s, told: %+v", began, h)
	}
	// The first record of one partition goes.
	var left time.Time
	for _, r := range j.records {
		if r.Topic == "new-user" && r.Partition == 2 && r.Offset == 1 {
			left = r.Time
		}
	}
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: ns.Topic("new-user"), Partition: 2, At: 1})
	if _, err := kadm.NewClient(client).DeleteRecords(soon(t), offsets); err != nil {
		t.Fatal(err)
	}
	if h := horizon(); h.Whole || !h.Since.Equal(left.Truncate(time.Millisecond)) {
		t.Errorf("the log is whole since %s, told: %+v", left, h)
	}
}

func TestHorizonOfParts(t *testing.T) {
	at := epoch.Add(24 * time.Hour)
	hour := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Hour) }
	for name, test := range map[string]struct {
		parts []logPart
		want  Horizon
	}{
		"nothing":                   {nil, Horizon{Whole: true}},
		"empty":                     {[]logPart{{}, {}}, Horizon{Whole: true}},
		"whole":                     {[]logPart{{0, hour(3)}, {}, {0, hour(2)}}, Horizon{Since: hour(2), Whole: true}},
		"one has lost something":    {[]logPart{{0, hour(1)}, {7, hour(3)}, {0, hour(5)}}, Horizon{Since: hour(3)}},
		"two have":                  {[]logPart{{5, hour(4)}, {7, hour(3)}, {0, hour(1)}}, Horizon{Since: hour(4)}},
		"one has lost all it had":   {[]logPart{{5, hour(4)}, {7, time.Time{}}}, Horizon{Since: at}},
		"what is whole comes after": {[]logPart{{5, hour(4)}, {0, hour(6)}}, Horizon{Since: hour(4)}},
	} {
		if diff := cmp.Diff(test.want, farthest(test.parts, at)); diff != "" {
			t.Errorf("%s: wanted (-), got (+):\n%s", name, diff)
		}
	}
}

// Instances that are long gone go, and what their service takes stays known.
func TestOldInstancesGo(t *testing.T) {
	eachStore(t, func(t *testing.T, st *store.Store) {
		tr := New(Config{Store: st, Logger: quiet, KeepFor: 24 * time.Hour})
		now := time.Now()
		tr.lag.looked(map[partition]int64{}, true, now)
		said := func(service, instance string, ago time.Duration) {
			a := announcements[0]
			a.Service, a.Instance, a.Time, a.Started = service, instance, now.Add(-ago), now.Add(-ago)
			if _, err := st.Update(t.Context(), func(tx *store.Tx) error {
				return tx.SaveInstances([]store.Instance{{Service: service, Instance: instance, Announced: a.Time.UnixNano(), Announcement: a.Encode()}})
			}); err != nil {
				t.Fatal(err)
			}
			tr.registry.add(a, a.Encode(), now)
		}
		said("lives", "old", 25*time.Hour)
		said("lives", "young", 23*time.Hour)
		said("away", "first", 50*time.Hour)
		said("away", "last", 49*time.Hour)
		if _, err := tr.prune(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		rows, err := st.Instances(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var stored, known []string
		for _, i := range rows {
			stored = append(stored, i.Service+" "+i.Instance)
		}
		for key := range tr.registry.instances {
			known = append(known, key[0]+" "+key[1])
		}
		slices.Sort(known)
		want := []string{"away last", "lives young"}
		if !slices.Equal(stored, want) || !slices.Equal(known, want) {
			t.Errorf("stored %v, known %v, want %v", stored, known, want)
		}
	})
}
