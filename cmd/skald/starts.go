package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skald-saga/skald"
)

// starts publishes inputs, many at a time, and waits for their outcomes if that was asked for.
type starts struct {
	*terminal
	workflow starter
	client   *skald.Client
	key      string
	watch    bool
	wait     time.Duration // for a start to be taken

	mu       sync.Mutex
	began    time.Time
	started  int
	outcomes map[string]int
	took     []time.Duration
	failed   error
}

// result is what --json prints per saga.
type result struct {
	ID      string  `json:"id"`
	Outcome string  `json:"outcome,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	Seconds float64 `json:"seconds,omitempty"` // from just before the start was published to when its outcome was seen
}

func (s *starts) run(ctx context.Context, inputs [][]byte) error {
	s.began, s.outcomes = time.Now(), map[string]int{}
	bar := s.newProgress(len(inputs))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	places := make(chan struct{}, outstandingStarts)
	var wait sync.WaitGroup
	for _, input := range inputs {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wait.Go(func() {
			defer func() { <-places }()
			if err := s.one(ctx, input, len(inputs) == 1); err != nil {
				s.fail(err)
				cancel()
			}
			bar.step()
		})
	}
	wait.Wait()
	bar.done()
	if len(inputs) > 1 {
		s.summary(len(inputs))
	}
	return s.failed
}

// one starts a saga.
func (s *starts) one(ctx context.Context, input []byte, alone bool) error {
	var options []skald.StartOption
	if s.key != "" {
		options = append(options, skald.WithIdempotencyKey(s.key))
	}
	if !s.watch {
		options = append(options, skald.WithoutWait())
	}
	began := time.Now()
	publish, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	saga, err := s.workflow.StartJSON(publish, s.client, input, options...)
	if notReady, ok := errors.AsType[*skald.NotReadyError](err); ok {
		return fmt.Errorf("nothing was started: %w", notReady.Err)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.started++
	s.mu.Unlock()
	r := result{ID: saga.ID()}
	if s.watch {
		if alone && !s.json() {
			fmt.Fprintf(s.err, "started %s, waiting for its outcome\n", saga.ID())
		}
		outcome, err := saga.Wait(ctx)
		if err != nil {
			return err
		}
		took := time.Since(began)
		r.Outcome, r.Reason, r.Seconds = outcome.Outcome, outcome.Reason, took.Seconds()
		s.mu.Lock()
		s.outcomes[outcome.Outcome]++
		s.took = append(s.took, took)
		s.mu.Unlock()
	}
	return s.print(r, alone)
}

func (s *starts) print(r result, alone bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.json():
		return json.NewEncoder(s.out).Encode(r)
	case alone && s.watch:
		_, err := fmt.Fprintf(s.out, "%s %s in %.2f s\n", r.ID, strings.TrimSpace(r.Outcome+" "+r.Reason), r.Seconds)
		return err
	case !s.watch:
		_, err := fmt.Fprintln(s.out, r.ID)
		return err
	}
	return nil
}

func (s *starts) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil && !errors.Is(err, context.Canceled) {
		s.failed = err
	}
}

// summary goes to stderr: it is talk, the IDs are the data.
func (s *starts) summary(wanted int) {
	took := time.Since(s.began)
	fmt.Fprintf(s.err, "%d of %d started in %.2f s, %.0f/s\n", s.started, wanted, took.Seconds(), float64(s.started)/took.Seconds())
	if len(s.took) == 0 {
		return
	}
	slices.Sort(s.took)
	for outcome, n := range s.outcomes {
		fmt.Fprintf(s.err, "%s: %d\n", outcome, n)
	}
	fmt.Fprintf(s.err, "from start to outcome: p50 %s, p99 %s\n", percentile(s.took, 50), percentile(s.took, 99))
}

// percentile is the nearest-rank one of sorted durations.
func percentile(sorted []time.Duration, p int) time.Duration {
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1].Round(time.Millisecond)
}
