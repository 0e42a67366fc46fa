package tracker

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/postgrestest"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// backlogRecords is how long the backlog of the benchmarks is: SKALD_BENCH_RECORDS, or 200,000.
func backlogRecords(b *testing.B) int {
	text := os.Getenv("SKALD_BENCH_RECORDS")
	if text == "" {
		return 200_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// writeBacklog writes plain sagas, in the order in which a cluster would: many under way at once. A seventh of them each is
// parked somewhere.
func writeBacklog(records int) *journal {
	j := newJournal()
	for n := 0; len(j.records) < records; n++ {
		s := plain(n)
		s.Parked[n%4] = n%7 == 0
		j.write(s)
	}
	return j
}

// benchFolder is where [BenchmarkRead] keeps its store for the next run: SKALD_BENCH_STORE, or "" to make it anew each time.
func benchFolder() string { return os.Getenv("SKALD_BENCH_STORE") }

// openKeptStore gives a store that stays in a folder.
func openKeptStore(b *testing.B, dir string) *store.Store {
	b.Helper()
	if os.Getenv("SKALD_BENCH_DB") != "postgres" {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			b.Fatal(err)
		}
		return openStoreAt(b, filepath.Join(dir, "tracker.db"))
	}
	server, err := postgrestest.Kept(filepath.Join(dir, "postgres"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(server.Stop)
	return openStoreAt(b, server.DSN(nil))
}

// openBenchStore gives a new store: SQLite, or with SKALD_BENCH_DB=postgres one in a PostgreSQL of the tests' own.
func openBenchStore(b *testing.B) *store.Store {
	b.Helper()
	if os.Getenv("SKALD_BENCH_DB") == "postgres" {
		return openStoreAt(b, postgrestest.DSN(b))
	}
	return openStore(b)
}

// processorTime is what this process has had. Beside other jobs it says more than the clock does.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkCatchUp reads a backlog from the embedded broker, in this process, into a new store.
func BenchmarkCatchUp(b *testing.B) {
	broker := startBroker(b, "127.0.0.1:0")
	client := newClient(b, broker.Addr(), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(20_000))
	records := append(heartbeats(time.Now(), time.Hour, false), writeBacklog(backlogRecords(b)).records...)
	createTopics(b, client, "", records)
	for chunk := range slices.Chunk(records, 10_000) {
		produce(b, client, "", chunk)
	}
	n, bytes := len(records), 0
	for _, r := range records {
		bytes += r.Size()
	}
	before := processorTime(b)
	for b.Loop() {
		tr, stop := run(b, Config{Connection: kafka.Connection{Brokers: []string{broker.Addr()}}, Store: openBenchStore(b)})
		for testutil.ToFloat64(tr.metrics.records) < float64(n) {
			if b.Context().Err() != nil {
				b.Fatal("the backlog isn't read")
			}
			time.Sleep(5 * time.Millisecond)
		}
		stop()
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(bytes)/float64(n), "bytes/record")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(n*b.N), "cpu-µs/record") // the broker's included
}

// BenchmarkProject is the pure part: from a record to a fact, with one processor.
func BenchmarkProject(b *testing.B) {
	records := writeBacklog(20_000).records
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := &records[i%len(records)]
		if _, skipped, err := project(sourceOf("", r.Topic), r); err != nil || skipped != skipNone {
			b.Fatal(skipped, err)
		}
		i++
	}
}

// BenchmarkPut writes facts to the store, batch by batch, with one processor.
func BenchmarkPut(b *testing.B) {
	records := writeBacklog(backlogRecords(b)).records
	// As topics are read side by side, a saga's records come far apart.
	slices.SortStableFunc(records, func(x, y wire.Record) int { return int(x.Partition - y.Partition) })
	before := processorTime(b)
	for b.Loop() {
		s := openBenchStore(b)
		for chunk := range slices.Chunk(records, maxBatch) {
			putRecords(b, s, chunk)
		}
	}
	b.ReportMetric(float64(len(records)*b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(len(records)*b.N), "cpu-µs/record")
}

// BenchmarkPrune deletes sagas that are over, a transaction at a time, of a store with as many sagas as the backlog makes.
func BenchmarkPrune(b *testing.B) {
	tr := New(Config{Store: openBenchStore(b), Logger: quiet, KeepFor: time.Hour})
	j := newJournal()
	for n, left := 0, backlogRecords(b); left > 0; n++ {
		j.write(plain(n))
		if len(j.records) >= maxBatch || len(j.records) >= left {
			left -= len(j.records)
			putRecords(b, tr.cfg.Store, j.records)
			j.records = nil
		}
	}
	var took []time.Duration
	before := processorTime(b)
	for b.Loop() {
		began := time.Now()
		tr.lag.looked(map[partition]int64{}, true, began)
		if more, err := tr.prune(b.Context(), began); err != nil || !more {
			b.Fatal("nothing is left to delete, or ", err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64((processorTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(pruneAtATime*b.N)/b.Elapsed().Seconds(), "sagas/s")
}
