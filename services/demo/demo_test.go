package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/skald-saga/skald/internal/brokertest"
)

func TestMain(m *testing.M) {
	code := brokertest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func TestParseRange(t *testing.T) {
	for in, want := range map[string]Range{
		"0s..3s":       {0, 3 * time.Second},
		"0..3s":        {0, 3 * time.Second},
		"500ms":        {500 * time.Millisecond, 500 * time.Millisecond},
		"0":            {},
		"1m30s..1h":    {90 * time.Second, time.Hour},
		"1.5s..1500ms": {1500 * time.Millisecond, 1500 * time.Millisecond},
	} {
		if got, err := ParseRange(in); err != nil || got != want {
			t.Errorf("ParseRange(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	const twoDurations = "two durations are wanted, such as 0s..3s, or one, such as 500ms"
	for in, want := range map[string]string{
		"":          twoDurations,
		"3":         twoDurations,
		"0s-3s":     twoDurations,
		"0s..":      twoDurations,
		"..3s":      twoDurations,
		"0s..3s..4": twoDurations,
		"-1s..3s":   "lag -1s..3s: it can't be negative",
		"3s..1s":    "lag 3s..1s: the shorter duration comes first",
		"0s..61m":   "lag 0s..1h1m0s: at most 1h0m0s is allowed",
	} {
		if got, err := ParseRange(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRange(%q) = %v, %v; want an error with %q", in, got, err, want)
		}
	}
}

func TestRangeIsReadAsItIsWritten(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		lo := rapid.Int64Range(0, int64(MaxLag)).Draw(r, "min")
		want := Range{time.Duration(lo), time.Duration(rapid.Int64Range(lo, int64(MaxLag)).Draw(r, "max"))}
		if got, err := ParseRange(want.String()); err != nil || got != want {
			r.Fatalf("ParseRange(%q) = %v, %v", want.String(), got, err)
		}
	})
}

func TestParseChaos(t *testing.T) {
	services := []string{"provisioner", "authorizer", "notifier"}
	for in, want := range map[string]map[string]float64{
		"":                             {},
		"authorizer=0.2":               {"authorizer": 0.2},
		"authorizer=0.2, notifier=0.1": {"authorizer": 0.2, "notifier": 0.1},
		"notifier=1,provisioner=0":     {"notifier": 1, "provisioner": 0},
	} {
		got, err := ParseChaos(in, services...)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("ParseChaos(%q): %v (-want +got):\n%s", in, err, diff)
		}
	}
	const probability = "a probability from 0 to 1 is wanted, such as 0.2"
	for in, want := range map[string]string{
		"authorizer":                    "service=probability is wanted",
		"=0.2":                          "service=probability is wanted",
		"authorizer=0.2,":               "service=probability is wanted",
		"authorizer=":                   probability,
		"authorizer=20%":                probability,
		"authorizer=-0.1":               probability,
		"authorizer=1.1":                probability,
		"authorizer=NaN":                probability,
		"authorizer=+Inf":               probability,
		"authorizer=0.2,authorizer=0.1": "chaos for authorizer is given twice",
		"autorizer=0.2":                 `chaos for "autorizer": there is no such service, it is one of provisioner, authorizer, notifier`,
	} {
		if got, err := ParseChaos(in, services...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseChaos(%q) = %v, %v; want an error with %q", in, got, err, want)
		}
	}
	if _, err := ParseChaos("anything=0.2"); err != nil {
		t.Errorf("without a list of services: %v", err)
	}
}

func TestLagIsDrawnFromTheRange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaults(Range{time.Second, 3 * time.Second}, nil, rand.NewPCG(1, 2))
		handler := f.Around("notifier")(func(context.Context) error { return nil })
		var total time.Duration
		const calls = 1000
		for range calls {
			begun := time.Now()
			if err := handler(t.Context()); err != nil {
				t.Fatal(err)
			}
			lag := time.Since(begun)
			if lag < time.Second || lag > 3*time.Second {
				t.Fatalf("a lag of %v", lag)
			}
			total += lag
		}
		if mean := total / calls; mean < 1900*time.Millisecond || mean > 2100*time.Millisecond {
			t.Errorf("a mean lag of %v, want some 2s", mean)
		}

		if err := f.SetLag(Range{}); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if err := handler(t.Context()); err != nil || time.Since(begun) != 0 {
			t.Errorf("without lag: %v after %v", err, time.Since(begun))
		}
	})
}

func TestLagEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaults(Range{time.Minute, time.Minute}, nil, rand.NewPCG(1, 2))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		err := f.Around("notifier")(func(context.Context) error { t.Error("the handler was called"); return nil })(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("error %v after %v, want the context's after 1s", err, time.Since(begun))
		}
	})
}

func TestChaosHitsAsOftenAsItIsSet(t *testing.T) {
	f := NewFaults(Range{}, map[string]float64{"authorizer": 0.2}, rand.NewPCG(1, 2))
	const calls = 10_000
	failures := func(service string) (n int) {
		called := 0
		handler := f.Around(service)(func(context.Context) error { called++; return nil })
		for range calls {
			if err := handler(t.Context()); err != nil {
				n++
				if want := "demo failure: the chaos of " + service; !strings.HasPrefix(err.Error(), want) {
					t.Fatalf("error %q, want %q", err, want)
				}
			}
		}
		if called != calls-n {
			t.Errorf("%s: %d of %d calls failed and the handler was called %d times", service, n, calls, called)
		}
		return n
	}
	if n := failures("authorizer"); n < 0.18*calls || n > 0.22*calls {
		t.Errorf("%d of %d calls failed, want about a fifth", n, calls)
	}
	if n := failures("notifier"); n != 0 {
		t.Errorf("%d calls of another service failed", n)
	}
	for p, want := range map[float64]int{1: calls, 0: 0} {
		if err := f.SetChaos("authorizer", p); err != nil {
			t.Fatal(err)
		}
		if n := failures("authorizer"); n != want {
			t.Errorf("chaos %v: %d of %d calls failed", p, n, calls)
		}
	}
}

func TestHandlersErrorIsPassedOn(t *testing.T) {
	f := NewFaults(Range{}, nil, rand.NewPCG(1, 2))
	want := errors.New("its own")
	if err := f.Around("notifier")(func(context.Context) error { return want })(t.Context()); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func TestSettingsAreCheckedAndShown(t *testing.T) {
	f := NewFaults(Range{0, time.Second}, map[string]float64{"notifier": 0.1}, rand.NewPCG(1, 2))
	for _, p := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		if err := f.SetChaos("notifier", p); err == nil {
			t.Errorf("a chaos of %v was taken", p)
		}
	}
	for _, lag := range []Range{{-1, 0}, {2, 1}, {0, MaxLag + 1}} {
		if err := f.SetLag(lag); err == nil {
			t.Errorf("a lag of %v was taken", lag)
		}
	}
	shown := f.Chaos()
	shown["notifier"] = 1 // a copy
	if diff := cmp.Diff(map[string]float64{"notifier": 0.1}, f.Chaos()); diff != "" || f.Lag() != (Range{0, time.Second}) {
		t.Errorf("lag %v, chaos (-want +got):\n%s", f.Lag(), diff)
	}
}

// Settings change while handlers run: the race detector is the judge.
func TestSettingsMayChangeWhileHandlersRun(t *testing.T) {
	f := NewFaults(Range{}, nil, rand.NewPCG(1, 2))
	handler := f.Around("notifier")(func(context.Context) error { return nil })
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				_ = handler(t.Context())
			}
		})
		wg.Go(func() {
			for i := range 100 {
				if err := errors.Join(f.SetChaos("notifier", float64(i)/100), f.SetLag(Range{0, time.Duration(i)})); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestStoreOutlivesACancelledTransaction(t *testing.T) {
	db, err := OpenStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO t VALUES (2)`); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := tx.Commit(); !errors.Is(err, context.Canceled) && !errors.Is(err, sql.ErrTxDone) {
		t.Errorf("commit of a cancelled transaction: %v", err)
	}
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM t`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v; want 1", n, err)
	}
}

func TestStoresAreApart(t *testing.T) {
	a, err := OpenStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := OpenStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, db := range []*sql.DB{a, b} {
		if _, err := db.Exec(`CREATE TABLE t (n INTEGER)`); err != nil {
			t.Error(err)
		}
	}
}
