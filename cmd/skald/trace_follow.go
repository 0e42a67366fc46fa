package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	followEvery = 300 * time.Millisecond
	// followPatience is how often in a row the console may not answer, as while it is started anew.
	followPatience = 10
)

// follow looks again and again until the saga has ended.
func (t *tracing) follow(ctx context.Context) error {
	shown := shower{tracing: t, redraw: isTerminal(t.out), said: map[string]bool{}}
	pause := time.NewTimer(0)
	defer pause.Stop()
	for missed := 0; ; pause.Reset(followEvery) {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		seen, err := t.look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if missed++; missed >= followPatience || shown.seq == 0 {
				return err
			}
			continue
		}
		missed = 0
		if err := shown.show(seen); err != nil || seen.saga.Outcome != "" {
			return err
		}
	}
}

// shower shows one look after the other.
type shower struct {
	*tracing

	redraw bool
	seq    int64
	drawn  int // lines of the last picture
	said   map[string]bool
}

func (s *shower) show(seen *traced) error {
	news := seen.saga.Seq != s.seq
	s.seq = seen.saga.Seq
	switch {
	case s.json():
		if !news {
			return nil
		}
		return json.NewEncoder(s.out).Encode(seen.saga)
	case s.redraw:
		return s.draw(seen)
	case news:
		return s.tell(seen)
	}
	return nil
}

// draw puts the picture in the place of the last one.
func (s *shower) draw(seen *traced) error {
	if s.drawn > 0 {
		if _, err := fmt.Fprintf(s.out, "\x1b[%dA\x1b[J", s.drawn); err != nil {
			return err
		}
	}
	s.drawn = len(seen.lines(time.Now()))
	return seen.print(s.out)
}

// tell adds a line for all that wasn't told before.
func (s *shower) tell(seen *traced) error {
	for i := range seen.saga.Steps {
		step := &seen.saga.Steps[i]
		for _, f := range seen.failsOf(step) {
			if err := s.line(fmt.Sprintf("%*s %s %s: attempt %d failed: %s", atWidth, seen.after(f.at), orDash(step.Service), step.Topic, f.Number, f.Error)); err != nil {
				return err
			}
		}
		if step.State == tracker.StepRetrying && len(seen.failsOf(step)) > 0 {
			continue // that is told by the attempts
		}
		when := step.Finished
		if when.IsZero() {
			when = step.Queued
		}
		line := fmt.Sprintf("%*s %s %s: %s", atWidth, seen.after(when), orDash(step.Service), step.Topic, stateOf(step))
		if d := between(step.Started, step.Finished); d != "-" {
			line += " in " + d
		}
		if err := s.line(line); err != nil {
			return err
		}
	}
	return s.end(&seen.saga)
}

func (s *shower) end(saga *api.Saga) error {
	if saga.Outcome == "" {
		return nil
	}
	for _, line := range folded(saga.Sentence) {
		if err := s.line(line); err != nil {
			return err
		}
	}
	return nil
}

func (s *shower) line(text string) error {
	text = fit(text, width)
	if s.said[text] {
		return nil
	}
	s.said[text] = true
	_, err := fmt.Fprintln(s.out, text)
	return err
}
