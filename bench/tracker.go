package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// askEvery is how often the tracker is asked how far it is behind.
const askEvery = 20 * time.Millisecond

// behind says how old what a tracker knew was, over the time between two marks: everything written before that had been read.
type behind struct {
	P99  time.Duration `json:"p99"`
	Most time.Duration `json:"most"`
}

// tracker reads the turn's topics into an SQLite file of its own.
func (w *worker) tracker(ctx context.Context, s spec) (err error) {
	dir, err := os.MkdirTemp("", "skald-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	rows, err := store.Open(ctx, filepath.Join(dir, "tracker.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	t := tracker.New(tracker.Config{
		Connection: kafka.Connection{Brokers: []string{s.Addr}}, Namespace: wire.Namespace(s.Prefix), Store: rows,
		Logger: slog.Default(), Metrics: prometheus.NewRegistry(),
	})
	ctx, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- t.Run(ctx) }()
	err = w.askTracker(ctx, t, done)
	stop()
	return errors.Join(err, <-done)
}

// askTracker says that the tracker is ready when it has reached the end of the log, and at each mark how far behind it was since the last one.
func (w *worker) askTracker(ctx context.Context, t *tracker.Tracker, done chan error) error {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	var ages []time.Duration
	ready := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-done:
			done <- nil
			return fmt.Errorf("the tracker ended: %w", err)
		case <-ticker.C:
			lag := t.Lag()
			if !ready && lag.Reachable && lag.Records == 0 {
				ready = true
				w.tell(message{Event: eventReady})
			}
			ages = append(ages, lag.Age)
		case o := <-w.orders:
			if o == orderMark {
				w.tell(message{Event: eventMarked, Behind: behindOf(ages)})
				ages = ages[:0]
			}
		}
	}
}

func behindOf(ages []time.Duration) *behind {
	if len(ages) == 0 {
		return &behind{}
	}
	slices.Sort(ages)
	return &behind{P99: ages[len(ages)*99/100], Most: ages[len(ages)-1]}
}
