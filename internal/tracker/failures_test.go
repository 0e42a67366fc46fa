package tracker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

func TestLettersAreGroupedByCause(t *testing.T) {
	tr := New(Config{Store: openStore(t), Logger: quiet})
	j := newJournal()
	for i, change := range []func(*scenario){
		func(s *scenario) { s.HaltedAt = 1 },
		func(s *scenario) { s.HaltedAt = 1 },
		func(s *scenario) { s.HaltedAt, s.Redriven = 1, true },
		func(s *scenario) { s.HaltedAt, s.Redriven, s.Stops = 1, true, 2 },
		func(s *scenario) { s.HaltedAt, s.TurnedAt, s.UndoStops = 1, 1, 0 },
		func(s *scenario) { s.HaltedAt, s.Redriven, s.HaltsTwice = 1, true, true },
		func(s *scenario) { s.Watched, s.Stops = true, 1 },
	} {
		s := plain(i)
		change(&s)
		j.write(s)
	}
	putRecords(t, tr.cfg.Store, j.records)
	causes, total, err := tr.Causes(t.Context(), CauseQuery{})
	if err != nil || total != 2 || len(causes) != 2 {
		t.Fatal(causes, total, err)
	}
	first := causes[0]
	want := Cause{
		Key: causeOf("authorizer", "authorize", wire.ClassFailed, "no device left"), Service: "authorizer", Step: "authorize",
		Class: wire.ClassFailed, Error: "no device left", Letters: 7, Halted: 2, Redriven: 1, Completed: 2, Rest: 2, First: first.First, Last: first.Last,
		ByStatus: map[string]int64{"halted": 2, "redriven": 1, "completed": 2, "turned": 1, "halted-again": 1},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("wanted (-), told (+):\n%s", diff)
	}
	for _, q := range []struct {
		CauseQuery
		want int
	}{
		{CauseQuery{Key: first.Key}, 1}, {CauseQuery{Key: "0123"}, 0}, {CauseQuery{Limit: 1}, 2}, {CauseQuery{Statuses: []string{LetterLoose}}, 1},
		{CauseQuery{Statuses: []string{LetterTurned, wire.Completed}}, 1}, {CauseQuery{Statuses: []string{wire.Rejected}}, 0},
	} {
		some, total, err := tr.Causes(t.Context(), q.CauseQuery)
		if err != nil || total != q.want || len(some) != min(q.want, max(q.Limit, 1)) {
			t.Errorf("%+v: %+v of %d, %v", q.CauseQuery, some, total, err)
		}
	}
	for _, q := range []struct {
		Query
		want int
	}{
		{Query{Cause: first.Key}, 6}, {Query{Cause: first.Key, Status: Halted}, 2}, {Query{Cause: causes[1].Key}, 1}, {Query{Cause: "0123456789ab"}, 0},
		{Query{Cause: first.Key, Search: wire.SagaIDFor("onboarding", "0")}, 1}, {Query{Cause: first.Key, Search: wire.SagaIDFor("onboarding", "6")}, 0},
		{Query{Cause: first.Key, Search: "ada.1@"}, 1}, {Query{Cause: causes[1].Key, Search: "ada.1@"}, 0},
	} {
		page, err := tr.Sagas(t.Context(), q.Query)
		count, countErr := tr.Count(t.Context(), q.Query)
		if err != nil || countErr != nil || len(page.Sagas) != q.want || count != (Count{N: int64(q.want)}) {
			t.Errorf("%+v: %d sagas, %v, counted %+v, %v; want %d", q.Query, len(page.Sagas), err, count, countErr, q.want)
		}
	}
	for _, wrong := range []string{"x", "0123456789AB", "'; DROP TABLE saga", "0123456789ab\n"} {
		if _, err := tr.Sagas(t.Context(), Query{Cause: wrong}); err == nil || !strings.Contains(err.Error(), "12 hexadecimal digits") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	counts, err := tr.LetterCounts(t.Context())
	if diff := cmp.Diff(map[string]int64{"halted": 2, "redriven": 1, "completed": 2, "turned": 1, "halted-again": 1, "loose": 1}, counts); diff != "" || err != nil {
		t.Errorf("wanted (-), told (+):\n%s%v", diff, err)
	}
	spans, err := tr.LetterSpans(t.Context(), []string{first.Key, causes[1].Key}, first.First, time.Hour, 3)
	if diff := cmp.Diff(map[string][]int64{first.Key: {7, 0, 0}, causes[1].Key: {1, 0, 0}}, spans); diff != "" || err != nil {
		t.Errorf("wanted (-), told (+):\n%s%v", diff, err)
	}
	late, err := tr.LetterSpans(t.Context(), []string{first.Key}, first.First.Add(-time.Hour), time.Minute, 3)
	if err != nil || late[first.Key][2] != 7 {
		t.Errorf("letters after the last span: %v, %v", late, err)
	}
	if causes[1].Service != "watcher" || causes[1].Rest != 1 {
		t.Errorf("%+v", causes[1])
	}
	var statuses []string
	q := LetterQuery{Cause: first.Key, Limit: 3}
	for {
		page, err := tr.Letters(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.Letters {
			statuses = append(statuses, l.Status)
			if some, err := tr.LettersAt(t.Context(), []LetterPlace{{Partition: l.Partition, Offset: l.Offset}, {Partition: 9}}); err != nil || len(some) != 1 || !cmp.Equal(l, some[0]) {
				t.Errorf("%+v, %+v, %v", l, some, err)
			}
			if again, err := tr.Letter(t.Context(), l.Partition, l.Offset); err != nil || !cmp.Equal(l, again) || l.SagaID == "" || l.Subject == "" {
				t.Errorf("%+v, %+v, %v", l, again, err)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	slices.Sort(statuses)
	if diff := cmp.Diff([]string{"completed", "completed", "halted", "halted", "halted-again", "redriven", "turned"}, statuses); diff != "" {
		t.Errorf("wanted (-), told (+):\n%s", diff)
	}
	if _, err := tr.Letter(t.Context(), 0, 4711); !errors.Is(err, ErrNoLetter) {
		t.Error(err)
	}
}

func TestCausesTellWhatDiffersFromWhatIsTheSame(t *testing.T) {
	same := [][2]string{
		{`550 no such mailbox <a.b@example.com>`, `550 no such mailbox <c@example.org>`},
		{`serial NB16-00417 is gone`, `serial NB14-02192 is gone`},
		{`saga 0198c7a2-5b1e-7c3d-8f00-1234567890ab`, `saga 0198c7a2-0000-7c3d-8f00-1234567890ab`},
		{"panic: x\ngoroutine 1", "panic: x\ngoroutine 2"},
		{`unknown field "a"`, `unknown field "b"`},
	}
	for _, pair := range same {
		if causeOf("s", "t", "failed", pair[0]) != causeOf("s", "t", "failed", pair[1]) {
			t.Errorf("%q and %q are of two causes", pair[0], pair[1])
		}
	}
	seen := map[string]string{}
	for _, all := range [][4]string{
		{"s", "t", "failed", "SMTP 451"}, {"s", "t", "failed", "SMTP 550"}, {"s", "t", "panic", "SMTP 451"}, {"s", "u", "failed", "SMTP 451"}, {"v", "t", "failed", "SMTP 451"},
	} {
		key := causeOf(all[0], all[1], all[2], all[3])
		if before, ok := seen[key]; ok {
			t.Errorf("%v and %s are of one cause", all, before)
		}
		seen[key] = fmt.Sprint(all)
	}
}

// A command may name any ID, and so may its answer: no saga comes of that.
func TestCommandsMakeNoSagas(t *testing.T) {
	tr := New(Config{Store: openStore(t), Logger: quiet})
	j := newJournal()
	w := &sagaWriter{journal: j, scenario: plain(1), id: wire.SagaIDFor("onboarding", "1"), partition: 1}
	w.command("provisioner", wire.Command{Kind: wire.CommandCancel}, nil)
	putRecords(t, tr.cfg.Store, j.records)
	check := func(sagas int) {
		t.Helper()
		page, err := tr.Sagas(t.Context(), Query{})
		if err != nil || len(page.Sagas) != sagas {
			t.Errorf("%+v, %v", page, err)
		}
		changed, err := tr.ChangedSince(t.Context(), 0, "", 0)
		if err != nil || len(changed) != sagas {
			t.Errorf("%+v, %v", changed, err)
		}
		counts, err := tr.Counts(t.Context(), "")
		if err != nil || len(counts) != sagas {
			t.Errorf("%+v, %v", counts, err)
		}
		if _, err := tr.Saga(t.Context(), w.id); errors.Is(err, ErrNotFound) != (sagas == 0) {
			t.Error(err)
		}
	}
	check(0)
	j.write(plain(1))
	putRecords(t, tr.cfg.Store, j.records)
	check(1)
	events, err := tr.Events(t.Context(), w.id)
	if err != nil || !slices.ContainsFunc(events, func(e Event) bool { return e.Type == CommandType && e.Source == "desk-2" }) {
		t.Errorf("the command isn't told of: %v", err)
	}
}

func TestLettersOfNoSaga(t *testing.T) {
	tr := New(Config{Store: openStore(t), Logger: quiet})
	l := wire.Letter{Service: "authorizer", Step: "authorize", Class: wire.ClassPoison, Error: "no JSON", Time: epoch, Record: wire.Record{Topic: "authorize", Value: []byte("{")}}
	r := wire.Record{Topic: "skald.dlq", Partition: 2, Offset: 7, Time: epoch, Headers: l.Headers(), Value: l.Value()}
	f, skipped, err := project(sourceOf("", r.Topic), &r)
	if skipped != skipNone || err != nil || f.letter == nil {
		t.Fatal(skipped, err)
	}
	if _, err := tr.cfg.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveLetters(nil, []store.Letter{f.letter.row(LetterLoose)}) }); err != nil {
		t.Fatal(err)
	}
	letter, err := tr.Letter(t.Context(), 2, 7)
	if err != nil || letter.Status != LetterLoose || letter.SagaID != "" || letter.Error != "no JSON" || !letter.Time.Equal(epoch) {
		t.Errorf("%+v, %v", letter, err)
	}
}

// Each attempt that failed is part of the story, once, also if its entry is written anew at the ledger's head, and without the event.
func TestAttemptsThatFailedAreTold(t *testing.T) {
	tr := New(Config{Store: openStore(t), Logger: quiet})
	j := newJournal()
	s := plain(1)
	s.Stops = 1
	id := j.write(s)
	partition := j.records[0].Partition
	say := func(l wire.LedgerRecord) wire.Record {
		l.Op, l.Saga, l.ID, l.Step, l.Accepted = wire.OpPut, id, "e1", "authorize", j.now
		return j.add("skald.authorizer.ledger", partition, l.ID, nil, l.Encode())
	}
	event := &wire.Record{Topic: "authorize", Value: []byte("large")}
	due := j.tick()
	say(wire.LedgerRecord{Kind: wire.KindWork, State: wire.StateRunning, Started: j.now, Attempt: 1, Event: event})
	say(wire.LedgerRecord{Kind: wire.KindWork, State: wire.StateRetrying, Due: due, Attempt: 1, Error: "503", Event: event})
	say(wire.LedgerRecord{Kind: wire.KindWork, State: wire.StateRetrying, Due: due, Attempt: 1, Error: "503", Event: event})
	say(wire.LedgerRecord{Kind: wire.KindWork, State: wire.StateUnavailable, Attempt: 1, Error: "away", Event: event})
	last := say(wire.LedgerRecord{Kind: wire.KindBlocked, State: wire.StateBlocked, Undo: true, Attempt: 2, Error: "no such device", Event: event})
	putRecords(t, tr.cfg.Store, j.records)
	events, err := tr.Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range events {
		if e.Type == AttemptType {
			l, err := wire.DecodeLedgerRecord(e.Payload)
			if err != nil || l.Event != nil || e.Size != len(e.Payload) {
				t.Errorf("%s, %v", e.Payload, err)
			}
			told = append(told, fmt.Sprint(l.Attempt, " ", l.Error, " ", e.Source))
		}
	}
	if diff := cmp.Diff([]string{"1 503 " + wire.Source("authorizer"), "2 no such device " + wire.Source("authorizer")}, told); diff != "" {
		t.Errorf("wanted (-), told (+):\n%s", diff)
	}
	short, err := tr.EventsUpTo(t.Context(), id, 1)
	if err != nil || short[0].Payload != nil || short[0].Size != len(events[0].Payload) {
		t.Errorf("%+v, %v", short, err)
	}
	if e, err := tr.Event(t.Context(), id, last.Topic, last.Partition, last.Offset); err != nil || e.Type != AttemptType {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := tr.Event(t.Context(), id, last.Topic, last.Partition, 4711); !errors.Is(err, ErrNoEvent) {
		t.Error(err)
	}
}
