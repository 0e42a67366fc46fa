package tracker

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/tracker/traffic"
	"github.com/skald-saga/skald/internal/wire"
)

// shuffled gives records in another order, some of them more than once.
func shuffled(records []wire.Record, seed uint64) []wire.Record {
	random := rand.New(rand.NewPCG(seed, 0))
	out := make([]wire.Record, 0, 2*len(records))
	for _, r := range records {
		for range 1 + random.IntN(3)/2 {
			out = append(out, r)
		}
	}
	random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// fold projects records without a store; merge is the one thing that may depend on their order.
func fold(records []wire.Record, merge func(*state, *fact)) map[store.SagaID]string {
	states := map[store.SagaID]*state{}
	for _, r := range records {
		f, skipped, _ := project(sourceOf("", r.Topic), &r)
		if skipped != skipNone {
			continue
		}
		if states[f.saga] == nil {
			states[f.saga] = &state{}
		}
		merge(states[f.saga], &f)
	}
	rows := map[store.SagaID]string{}
	for id, s := range states {
		status, reason := s.status(s.timeline())
		rows[id] = fmt.Sprintf("%s %s\n%s", status, reason, s.encode())
	}
	return rows
}

func properly(s *state, f *fact) { s.merge(f) }

func TestAnyOrderOfRecordsGivesTheSameSagas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := newJournal()
		for i := range rapid.IntRange(1, 4).Draw(t, "sagas") {
			j.write(drawScenario(t, i))
		}
		seed := rapid.Uint64().Draw(t, "seed")
		if diff := cmp.Diff(fold(j.records, properly), fold(shuffled(j.records, seed), properly)); diff != "" {
			t.Fatalf("in the order of writing (-) and in another (+):\n%s", diff)
		}
	})
}

// The property above must be able to fail: it has to find each of these mistakes.
func TestThePropertyFindsMistakes(t *testing.T) {
	mistakes := map[string]func(*state, *fact){
		"the last outcome wins": func(s *state, f *fact) {
			s.merge(f)
			if f.outcome.Outcome != "" {
				s.Outcome = f.outcome
			}
		},
		"the last start wins": func(s *state, f *fact) {
			s.merge(f)
			if f.started.Time != 0 {
				s.Started = f.started
			}
		},
		"the last phase wins": func(s *state, f *fact) {
			s.merge(f)
			if f.work.id != "" {
				s.step(f.work.id).Progress = f.work.progress()
			}
		},
		"work is dropped when its event isn't known": func(s *state, f *fact) {
			if f.input.id == "" && f.work.id != "" && !s.step(f.work.id).Seen {
				return
			}
			s.merge(f)
		},
		"whoever wrote last in its own topic wins": func(s *state, f *fact) {
			s.merge(f)
			if f.work.id != "" && f.work.at > 0 {
				s.step(f.work.id).Progress = f.work.progress()
			}
		},
		"the last to say how it ends wins": func(s *state, f *fact) {
			s.merge(f)
			if f.input.undo != nil {
				s.Ending = endingFact{1, f.input.undo.Outcome, f.input.undo.Undone}
			}
		},
		"a letter is forgotten when its event isn't known": func(s *state, f *fact) {
			s.merge(f)
			if f.letter != nil && !s.step(f.letter.Event).Seen {
				s.Letters = nil
			}
		},
		"attempts are counted": func(s *state, f *fact) {
			s.merge(f)
			if f.work.id != "" {
				s.step(f.work.id).Attempt++
			}
		},
	}
	scenarios := rapid.Custom(func(t *rapid.T) scenario { return drawScenario(t, 0) })
	for name, merge := range mistakes {
		t.Run(name, func(t *testing.T) {
			for seed := range 200 {
				j := newJournal()
				j.write(scenarios.Example(seed))
				if !cmp.Equal(fold(j.records, merge), fold(shuffled(j.records, uint64(seed)), merge)) {
					return
				}
			}
			t.Fatal("200 sagas in two orders each didn't show the mistake")
		})
	}
}

// contents is what the store holds, but for row and sequence numbers, which depend on the order of arrival.
type contents struct {
	Sagas   map[string]string
	Records map[string][]string
	Counts  map[string]int64
	Letters []store.Letter
	Minutes []store.MinuteCount
	Traffic map[string]string
}

func TestAnyOrderAndBatchingGivesTheSameRows(t *testing.T) {
	eachStore(t, testAnyOrderAndBatchingGivesTheSameRows)
}

func testAnyOrderAndBatchingGivesTheSameRows(t *testing.T, s *store.Store) {
	rapid.Check(t, func(rt *rapid.T) {
		j := newJournal()
		for i := range rapid.IntRange(1, 4).Draw(rt, "sagas") {
			j.write(drawScenario(rt, i))
		}
		want := rowsOf(t, s, j.records, 1000)
		got := rowsOf(t, s, shuffled(j.records, rapid.Uint64().Draw(rt, "seed")), rapid.IntRange(1, 20).Draw(rt, "batch"))
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("in the order of writing, in one batch (-) and in another order, in several (+):\n%s", diff)
		}
	})
}

// rowsOf empties the store, writes records to it batch by batch, and reads all back.
func rowsOf(t *testing.T, s *store.Store, records []wire.Record, perBatch int) contents {
	t.Helper()
	ctx := t.Context()
	if err := s.Reset(ctx, "cluster"); err != nil {
		t.Fatal(err)
	}
	for len(records) > 0 {
		some := records[:min(perBatch, len(records))]
		records = records[len(some):]
		putRecords(t, s, some)
	}
	return contentsOf(t, s)
}

func contentsOf(t *testing.T, s *store.Store) contents {
	t.Helper()
	ctx := t.Context()
	rows, err := s.ChangedSince(ctx, 0, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := s.Records(ctx, rows, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := contents{Sagas: map[string]string{}, Records: map[string][]string{}}
	for _, row := range rows {
		id := uuid.UUID(row.ID).String()
		all.Sagas[id] = fmt.Sprint(row.Group, row.Subject, row.Started, row.Ended, row.Due, string(row.State))
		for _, r := range kept[row.ID] {
			all.Records[id] = append(all.Records[id], fmt.Sprint(r.Topic.Name, r.Partition, r.Offset, r.Time, string(r.Headers), string(r.Value)))
		}
		slices.Sort(all.Records[id])
	}
	if all.Letters, err = s.Letters(ctx, store.LetterFilter{Limit: 1000}); err != nil {
		t.Fatal(err)
	}
	if all.Minutes, err = s.Outcomes(ctx, 0); err != nil {
		t.Fatal(err)
	}
	all.Traffic = trafficOf(t, s)
	if all.Counts, err = s.Counts(ctx, ""); err != nil {
		t.Fatal(err)
	}
	return all
}

// trafficOf gives what was counted; a row of nothing says no more than none.
func trafficOf(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	stored, err := s.Traffic(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, r := range stored {
		if strings.Trim(string(r.Tally), "\x00") != "" {
			rows[fmt.Sprint(r.Span, r.Since, string(r.Way))] = string(r.Tally)
		}
	}
	return rows
}

// putRecords projects records into the store as one batch.
func putRecords(t testing.TB, s *store.Store, records []wire.Record) {
	t.Helper()
	var batch []told
	newest := epoch
	for _, r := range records {
		if r.Time.After(newest) {
			newest = r.Time
		}
		f, skipped, _ := project(sourceOf("", r.Topic), &r)
		if skipped != skipNone {
			continue
		}
		headers := make([]kgo.RecordHeader, 0, len(r.Headers))
		for _, h := range r.Headers {
			headers = append(headers, kgo.RecordHeader(h))
		}
		batch = append(batch, told{f, store.Record{
			Topic: store.Topic{Name: r.Topic}, Partition: r.Partition, Offset: r.Offset, Time: nanos(r.Time),
			Headers: encodeHeaders(headers), Value: f.kept(r.Value), Hashes: headerHashes(r.Headers),
		}})
	}
	book := traffic.NewBook()
	tr := New(Config{Store: s})
	if err := tr.readTraffic(t.Context(), book, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), func(tx *store.Tx) error {
		flows := book.Change()
		if _, err := putSagas(tx, batch, flows); err != nil {
			return err
		}
		return saveTraffic(tx, flows.Rows(newest))
	}); err != nil {
		t.Fatal(err)
	}
}
