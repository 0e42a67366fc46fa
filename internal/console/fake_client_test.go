package console

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// fakeClient answers requests as a service would, by a script.
type fakeClient struct {
	mu       sync.Mutex
	asked    []string
	answer   func(request string) (skald.Answer, error)
	letters  []skald.DeadLetter
	chunks   []int
	unasked  error // nothing is published
	unlooked error // letters can't be read
}

func (f *fakeClient) Ask(_ context.Context, requests ...skald.Request) ([]skald.Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unasked != nil {
		return nil, f.unasked
	}
	f.chunks = append(f.chunks, len(requests))
	answers, failed := make([]skald.Answer, len(requests)), error(nil)
	for i, r := range requests {
		if r.Err() != nil {
			return nil, r.Err()
		}
		f.asked = append(f.asked, r.String())
		answers[i] = skald.Answer{Accepted: true, Text: "it is being done"}
		if f.answer != nil {
			var err error
			if answers[i], err = f.answer(r.String()); err != nil {
				failed = err
			}
		}
	}
	return answers, failed
}

func (f *fakeClient) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

func (f *fakeClient) DeadLetter(_ context.Context, partition int32, offset int64) (skald.DeadLetter, error) {
	for _, l := range f.letters {
		if l.Partition == partition && l.Offset == offset && f.unlooked == nil {
			return l, nil
		}
	}
	return skald.DeadLetter{}, cmp.Or(f.unlooked, errors.New("there is no such letter"))
}

func (f *fakeClient) DeadLetters(_ context.Context, yield func(skald.DeadLetter) bool) error {
	for _, l := range f.letters {
		if !yield(l) {
			break
		}
	}
	return f.unlooked
}

// addLetter puts a dead letter into the log, and into what the tracker knows.
func (w *world) addLetter(l tracker.Letter, payload string, headers ...skald.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.client.letters = append(w.client.letters, skald.DeadLetter{
		Partition: l.Partition, Offset: l.Offset, ID: l.ID, EventID: l.EventID, SagaID: l.SagaID, Service: l.Service, Step: l.Step, Topic: l.Step,
		Class: l.Class, Error: l.Error, Halted: l.Status == tracker.LetterHalted, Payload: []byte(payload), Headers: headers,
	})
	w.letters = append(w.letters, l)
}

func (f *fakeTracker) Letters(_ context.Context, q tracker.LetterQuery) (tracker.LetterPage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if q.Status != "" && !slices.Contains(tracker.LetterStatuses(), q.Status) {
		return tracker.LetterPage{}, &tracker.QueryError{Field: "status", Problem: "is none"}
	}
	var page tracker.LetterPage
	for _, l := range f.letters {
		if (q.Cause == "" || q.Cause == l.Cause) && (q.Status == "" || q.Status == l.Status) && len(page.Letters) < cmp.Or(q.Limit, 50) {
			page.Letters = append(page.Letters, l)
		}
	}
	if !q.Oldest {
		slices.Reverse(page.Letters)
	}
	return page, f.err
}

func (f *fakeTracker) Letter(_ context.Context, partition int32, offset int64) (tracker.Letter, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.letters {
		if l.Partition == partition && l.Offset == offset {
			return l, f.err
		}
	}
	return tracker.Letter{}, tracker.ErrNoLetter
}

func (f *fakeTracker) Causes(context.Context) ([]tracker.Cause, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var causes []tracker.Cause
	for _, l := range f.letters {
		i := slices.IndexFunc(causes, func(c tracker.Cause) bool { return c.Key == l.Cause })
		if i < 0 {
			i = len(causes)
			causes = append(causes, tracker.Cause{Key: l.Cause, Service: l.Service, Step: l.Step, Class: l.Class, Error: l.Error, First: l.Time})
		}
		causes[i].Letters++
		causes[i].Last = l.Time
		switch l.Status {
		case tracker.LetterHalted:
			causes[i].Halted++
		case wire.Completed:
			causes[i].Completed++
		default:
			causes[i].Rest++
		}
	}
	return causes, len(causes), f.err
}

func (f *fakeTracker) Initiator(workflow string) string {
	if workflow == "onboarding" {
		return "provisioner"
	}
	return ""
}
