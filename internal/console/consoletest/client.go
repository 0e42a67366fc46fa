package consoletest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/inside"
	"github.com/skald-saga/skald/internal/tracker"
)

// Client answers requests as a service would, by a script.
type Client struct {
	Mu       sync.Mutex
	asked    []string
	Answer   func(request string) (skald.Answer, error)
	Letters  []skald.DeadLetter
	Chunks   []int
	Payload  string // of the event that the last request brings along
	Unasked  error  // nothing is published
	Unlooked error  // letters can't be read
}

func (f *Client) Ask(_ context.Context, requests ...skald.Request) ([]skald.Answer, error) {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	if f.Unasked != nil {
		return nil, f.Unasked
	}
	f.Chunks = append(f.Chunks, len(requests))
	answers, failed := make([]skald.Answer, len(requests)), error(nil)
	for i, r := range requests {
		if r.Err() != nil {
			return nil, r.Err()
		}
		f.asked = append(f.asked, r.String())
		if _, record, err := inside.Request(r, uuid.NewString(), time.Now()); err == nil {
			f.Payload = string(record.Value)
		}
		answers[i] = skald.Answer{Accepted: true, Text: "it is being done"}
		if f.Answer != nil {
			var err error
			if answers[i], err = f.Answer(r.String()); err != nil {
				failed = err
			}
		}
	}
	return answers, failed
}

// Requests are those that were asked for so far.
func (f *Client) Requests() []string {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	return slices.Clone(f.asked)
}

func (f *Client) DeadLetter(_ context.Context, partition int32, offset int64) (skald.DeadLetter, error) {
	for _, l := range f.Letters {
		if l.Partition == partition && l.Offset == offset && f.Unlooked == nil {
			return l, nil
		}
	}
	return skald.DeadLetter{}, cmp.Or(f.Unlooked, errors.New("there is no such letter"))
}

func (f *Client) DeadLetters(_ context.Context, yield func(skald.DeadLetter) bool) error {
	for _, l := range f.Letters {
		if !yield(l) {
			break
		}
	}
	return f.Unlooked
}

// HaltMany puts so many dead letters of a cause into the log, from 1/0 on, of a saga each that only the letter tells of.
func (w *World) HaltMany(cause string, n int) {
	for i := range n {
		name := fmt.Sprintf("user%d@example.com", i)
		w.AddLetter(tracker.Letter{
			Partition: 1, Offset: int64(i), ID: uuid.NewString(), EventID: uuid.NewString(), SagaID: uuid.NewString(), Workflow: "onboarding", Subject: name,
			Service: "notifier", Step: "notify", Class: "failed", Error: "SMTP 451 try again later", Attempts: 8, Status: tracker.LetterHalted, Cause: cause,
			Time: w.Clock.Add(time.Duration(i-n) * time.Second),
		}, `{"email":"`+name+`","n":12345678901234567890}`, skald.Header{Key: "ce_type", Value: []byte("notify")})
	}
}

// Forget makes as if nothing had been asked for.
func (f *Client) Forget() {
	f.Mu.Lock()
	defer f.Mu.Unlock()
	f.asked = nil
}

// AddLetter puts a dead letter into the log, and into what the tracker knows.
func (w *World) AddLetter(l tracker.Letter, payload string, headers ...skald.Header) {
	w.Mu.Lock()
	defer w.Mu.Unlock()
	w.Client.Letters = append(w.Client.Letters, skald.DeadLetter{
		Partition: l.Partition, Offset: l.Offset, ID: l.ID, EventID: l.EventID, SagaID: l.SagaID, Service: l.Service, Step: l.Step, Topic: l.Step,
		Class: l.Class, Error: l.Error, Halted: l.Status == tracker.LetterHalted, Payload: []byte(payload), Headers: headers,
	})
	w.Log = append(w.Log, l)
}
