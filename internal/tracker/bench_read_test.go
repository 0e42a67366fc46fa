package tracker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

// variedBacklog fills a store: of twenty sagas one is under way, of a hundred one each is halted, being tried again and noted as overdue.
// Events have headers of their producers: a region that all share, and one of a thousand tenants. It gives the number of sagas and
// the ID of one in the middle.
func variedBacklog(b *testing.B, tr *Tracker) (sagas int, middle string) {
	b.Helper()
	for _, a := range announcements {
		tr.registry.add(a, a.Encode(), time.Now())
	}
	j, total := newJournal(), backlogRecords(b)
	for left := total; left > 0; sagas++ {
		from := len(j.records)
		id := j.write(varied(sagas))
		for i := range j.records[from:] {
			if r := &j.records[from+i]; !strings.HasPrefix(r.Topic, "skald.") {
				r.Headers = append(r.Headers, header("region", "eu", "tenant", fmt.Sprint("acme-", sagas%1000), "traceparent", fmt.Sprintf("00-%032x-%016x-01", sagas+1, i+1))...)
			}
		}
		if left > total/2 {
			middle = id
		}
		if len(j.records) >= maxBatch || len(j.records) >= left {
			left -= len(j.records)
			putRecords(b, tr.cfg.Store, j.records)
			j.records = nil
		}
	}
	return sagas, middle
}

// filled is what the folder of a kept store says of it once it is whole.
type filled struct {
	Records int    `json:"records"`
	Sagas   int    `json:"sagas"`
	Middle  string `json:"middle"`
}

// keptBacklog is variedBacklog in a store that stays, and which the next run finds filled.
func keptBacklog(b *testing.B, dir string) (tr *Tracker, sagas int, middle string) {
	b.Helper()
	dir = filepath.Join(dir, cmp.Or(os.Getenv("SKALD_BENCH_DB"), "sqlite"))
	note := filepath.Join(dir, "filled.json")
	var f filled
	said, err := os.ReadFile(note)
	switch {
	case err == nil:
		err = json.Unmarshal(said, &f)
	case errors.Is(err, fs.ErrNotExist):
		err = os.RemoveAll(dir) // a run that was broken off left a part
	}
	if err != nil {
		b.Fatal(err)
	}
	tr = New(Config{Store: openKeptStore(b, dir), Logger: quiet})
	switch {
	case f == filled{}:
		f.Records = backlogRecords(b)
		f.Sagas, f.Middle = variedBacklog(b, tr)
		if said, err = json.Marshal(f); err == nil {
			err = os.WriteFile(note, said, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
	case f.Records != backlogRecords(b):
		b.Fatalf("the store in %s has %d records, SKALD_BENCH_RECORDS are %d: give another folder, or remove this one", dir, f.Records, backlogRecords(b))
	}
	return tr, f.Sagas, f.Middle
}

func varied(n int) scenario {
	s := plain(n)
	switch {
	case n%20 == 7:
		s.Stops = 1 + n%3
	case n%100 == 3:
		s.HaltedAt = 2
	case n%100 == 5:
		s.Stops, s.Parked[2], s.Retried[2] = 2, true, true
	case n%100 == 11:
		s.Stops, s.Parked[1], s.Overdue = 1, true, true
	}
	return s
}

// BenchmarkRead asks what the console asks, of a store with as many sagas as the backlog makes: a million of 6,900,000 records. With
// SKALD_BENCH_STORE=folder the store stays there for the next run, so that this one asks only.
func BenchmarkRead(b *testing.B) {
	var tr *Tracker
	var sagas int
	var middle string
	if dir := benchFolder(); dir != "" {
		tr, sagas, middle = keptBacklog(b, dir)
	} else {
		tr = New(Config{Store: openBenchStore(b), Logger: quiet})
		sagas, middle = variedBacklog(b, tr)
	}
	seq, err := tr.cfg.Store.Seq(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	saga, err := tr.Saga(b.Context(), middle)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d sagas; %d MiB resident", sagas, residentMiB(b))
	started, late := saga.Started, epoch.Add(25*time.Hour)
	for _, bench := range []struct {
		name  string
		query Query
	}{
		{"all", Query{}},
		{"oldest first", Query{OldestFirst: true}},
		{"of 1000", Query{Limit: 1000, WithoutPayloads: true}},
		{"workflow", Query{Workflow: "onboarding"}},
		{"completed", Query{Status: wire.Completed}},
		{"halted", Query{Status: Halted}},
		{"status that none has", Query{Status: Blocked}},
		{"open", Query{Status: Open}},
		{"open, oldest first", Query{Status: Open, OldestFirst: true}},
		{"ended", Query{Status: Ended}},
		{"service", Query{Service: "notifier"}},
		{"topic", Query{Topic: "authorize"}},
		{"started before the middle", Query{StartedBefore: started}},
		{"started in a minute of the middle", Query{StartedAfter: started.Add(-time.Minute), StartedBefore: started}},
		{"overdue, as noted", Query{Overdue: true, Now: epoch}},
		{"overdue, 7% of all", Query{Overdue: true, Now: late}},
		{"overdue, oldest first", Query{Overdue: true, Now: late, OldestFirst: true}},
		{"all filters", Query{Workflow: "onboarding", Status: Open, Service: "notifier", Topic: "notify", StartedBefore: started, Overdue: true, Now: late, OldestFirst: true}},
		{"key, one hit", Query{Search: "ada.777@"}},
		{"key, no hit", Query{Search: "nobody"}},
		{"key, all hit", Query{Search: "example.com"}},
		{"key, all hit, halted, oldest first", Query{Search: "example.com", Status: Halted, OldestFirst: true}},
		{"key, a tenth hit", Query{Search: "7@ex"}},
		{"ID", Query{Search: middle}},
		{"header ce_id", Query{Search: "ce_id=" + saga.Steps[2].EventID}},
		{"header trace", Query{Search: fmt.Sprintf("trace=%032x", 4711)}},
		{"header, a thousandth hit", Query{Search: "tenant=acme-77"}},
		{"header, a thousandth hit, open", Query{Search: "tenant=acme-27", Status: Open}},
		{"header, all hit", Query{Search: "region=eu"}},
		{"header, no hit", Query{Search: "region=mars"}},
	} {
		measure(b, "list "+bench.name, func(ctx context.Context) error { _, err := tr.Sagas(ctx, bench.query); return err })
		measure(b, "count "+bench.name, func(ctx context.Context) error { _, err := tr.Count(ctx, bench.query); return err })
	}
	measure(b, "one saga", func(ctx context.Context) error { _, err := tr.Saga(ctx, middle); return err })
	measure(b, "100 changed", func(ctx context.Context) error { _, err := tr.ChangedSince(ctx, seq-100, "", 100); return err })
	measure(b, "counts", func(ctx context.Context) error { _, err := tr.Counts(ctx, ""); return err })
	measure(b, "outcomes of an hour", func(ctx context.Context) error { _, err := tr.Outcomes(ctx, started.Add(-time.Hour)); return err })
	debug.FreeOSMemory()
	b.Logf("%d MiB resident in the end", residentMiB(b))
}

func measure(b *testing.B, name string, ask func(context.Context) error) {
	b.Run(name, func(b *testing.B) {
		var took []time.Duration
		before := processorTime(b)
		for b.Loop() {
			began := time.Now()
			if err := ask(b.Context()); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(began))
		}
		b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	})
}

func residentMiB(b *testing.B) (n int) {
	b.Helper()
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0 // not Linux
	}
	var size, pages int
	if _, err := fmt.Sscan(string(status), &size, &pages); err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize() >> 20
}
