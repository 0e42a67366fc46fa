package tracker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// declaredTracker is one that knows what services have announced, and has read the log to its end.
func declaredTracker(t testing.TB, st *store.Store) *Tracker {
	t.Helper()
	tr := New(Config{Store: st, Logger: quiet, KeepFor: -1})
	for _, a := range announcements {
		tr.registry.add(a, a.Encode(), time.Now())
	}
	tr.lag.looked(map[partition]int64{}, true, time.Now())
	return tr
}

// numbersOf gives the numbers of the sagas that a query selects, page by page.
func numbersOf(t *testing.T, tr *Tracker, q Query, numbers map[string]int) (ns []int) {
	t.Helper()
	for q.Limit = 2; ; {
		page, err := tr.Sagas(t.Context(), q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		for _, s := range page.Sagas {
			ns = append(ns, numbers[s.ID])
		}
		if page.Next == "" {
			return ns
		}
		q.Cursor = page.Next
	}
}

func TestFilters(t *testing.T) { eachStore(t, testFilters) }

func testFilters(t *testing.T, st *store.Store) {
	tr, j, numbers := declaredTracker(t, st), newJournal(), map[string]int{}
	var began []time.Time
	for n, change := range []func(*scenario){
		func(*scenario) {},                                                    // 0 completed
		func(s *scenario) { s.Stops = 1 },                                     // 1 waits for the authorizer, who hasn't said anything of it
		func(s *scenario) { s.Stops = 2 },                                     // 2 for the notifier
		func(s *scenario) { s.HaltedAt = 1 },                                  // 3 halted at the authorizer
		func(s *scenario) { s.TurnedAt = 1 },                                  // 4 rejected
		func(s *scenario) { s.Stops = 0 },                                     // 5 not taken by the provisioner
		func(s *scenario) { s.Stops, s.Parked[2], s.Overdue = 2, true, true }, // 6 noted as overdue, at the notifier
	} {
		s := plain(n)
		change(&s)
		began = append(began, j.now)
		numbers[j.write(s)] = n
	}
	putRecords(t, st, shuffled(j.records, 2))
	before, past := epoch, epoch.Add(25*time.Hour)
	for name, test := range map[string]struct {
		query Query
		want  []int
	}{
		"open":                       {Query{Status: Open}, []int{6, 5, 3, 2, 1}},
		"ended":                      {Query{Status: Ended}, []int{4, 0}},
		"oldest first":               {Query{OldestFirst: true}, []int{0, 1, 2, 3, 4, 5, 6}},
		"at the authorizer":          {Query{Service: "authorizer"}, []int{3, 1}},
		"at the authorizer, running": {Query{Service: "authorizer", Status: Running}, []int{1}},
		"at the notifier":            {Query{Service: "notifier", OldestFirst: true}, []int{2, 6}},
		"at nobody":                  {Query{Service: "postman"}, nil},
		"for notify":                 {Query{Topic: "notify"}, []int{6, 2}},
		"for new-user":               {Query{Topic: "new-user"}, []int{5}},
		"since the third":            {Query{StartedAfter: began[3]}, []int{6, 5, 4, 3}},
		"before the third":           {Query{StartedBefore: began[3]}, []int{2, 1, 0}},
		"between":                    {Query{StartedAfter: began[2], StartedBefore: began[4], Status: Open}, []int{3, 2}},
		"overdue by their deadlines": {Query{Overdue: true, Now: past}, []int{6, 3, 2, 1}},
		"overdue by a note":          {Query{Overdue: true, Now: before}, []int{6}},
		"overdue and all":            {Query{Overdue: true, Now: past, Service: "notifier", Status: Running, Workflow: "onboarding", StartedBefore: began[4], Search: "ADA."}, []int{2}},
		"a header of its start":      {Query{Search: "ce_id=" + wire.SagaIDFor("event", "3")}, []int{3}},
		"a header, and not open":     {Query{Search: "ce_id=" + wire.SagaIDFor("event", "3"), Status: Ended}, nil},
	} {
		if diff := cmp.Diff(test.want, numbersOf(t, tr, test.query, numbers)); diff != "" {
			t.Errorf("%s: wanted (-), listed (+):\n%s", name, diff)
		}
		count, err := tr.Count(t.Context(), test.query)
		if err != nil || count != (Count{N: int64(len(test.want))}) {
			t.Errorf("%s: counted %+v, error %v, want %d", name, count, err, len(test.want))
		}
		var each []int
		seq, _ := tr.cfg.Store.Seq(t.Context())
		if err := tr.Each(t.Context(), test.query, seq, func(s Saga) bool { each = append(each, numbers[s.ID]); return true }); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(test.want, each); diff != "" {
			t.Errorf("%s: wanted (-), each (+):\n%s", name, diff)
		}
	}
	for id, n := range numbers {
		if count, err := tr.Count(t.Context(), Query{Search: id, Status: Open}); err != nil || (count.N == 0) != (n == 0 || n == 4) {
			t.Errorf("saga %d by its ID: %+v, error %v", n, count, err)
		}
	}
	minutes, err := tr.Outcomes(t.Context(), epoch)
	if diff := cmp.Diff([]MinuteOutcomes{{At: epoch, Completed: 1, Otherwise: 1}}, minutes); diff != "" || err != nil {
		t.Errorf("outcomes wanted (-), got (+), error %v:\n%s", err, diff)
	}
}

func TestSearchByHeader(t *testing.T) { eachStore(t, testSearchByHeader) }

func testSearchByHeader(t *testing.T, st *store.Store) {
	tr, j, numbers := declaredTracker(t, st), newJournal(), map[string]int{}
	trace := "4bf92f3577b34da6a3ce929d0e0e4736"
	odd := `%_' OR 1=1 --"\` + "\n\x01=ä"
	for n := range 4 {
		from := len(j.records)
		numbers[j.write(plain(n))] = n
		for i := range j.records[from:] {
			if r := &j.records[from+i]; strings.HasPrefix(r.Topic, "notif") {
				r.Headers = append(r.Headers, header("tenant", []string{"acme", "ACME", odd, ""}[n], "x.y_z-1", "all")...)
				if n == 1 {
					r.Headers = append(r.Headers, header("traceparent", "00-"+trace+"-00f067aa0ba902b7-01")...)
				}
			}
		}
	}
	putRecords(t, st, shuffled(j.records, 3))
	for search, want := range map[string][]int{
		"tenant=acme": {0}, "tenant=ACME": {1}, "tenant=" + odd: {2}, "tenant=": {3}, "tenant=acm": nil, "tenant=%": nil, "Tenant=acme": nil,
		"x.y_z-1=all": {3, 2, 1, 0}, "trace=" + trace: {1}, "trace=" + strings.ToUpper(trace): {1}, "trace=nonsense": nil,
		"traceparent=00-" + trace + "-0000000000000001-00": {1}, "' OR 1=1 --": nil, "=acme": nil, `ada.2@example.com`: {2},
	} {
		if diff := cmp.Diff(want, numbersOf(t, tr, Query{Search: search}, numbers)); diff != "" {
			t.Errorf("%q: wanted (-), listed (+):\n%s", search, diff)
		}
	}
	// Retention deletes what they were found by, all of it.
	tr.cfg.KeepFor = time.Hour
	if _, err := tr.prune(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	j = newJournal()
	j.write(plain(9)) // gets the number of a row that is gone
	putRecords(t, st, j.records)
	if got := numbersOf(t, tr, Query{Search: "x.y_z-1=all"}, numbers); got != nil {
		t.Errorf("after retention: %v", got)
	}
}

// A cursor goes with its query alone; whatever is changed about it is told, and gives no rows.
func TestCursorsAreBound(t *testing.T) {
	tr, j := declaredTracker(t, openStore(t)), newJournal()
	for n := range 9 {
		j.write(plain(n))
	}
	putRecords(t, tr.cfg.Store, j.records)
	query := Query{Limit: 3, Workflow: "onboarding", StartedBefore: epoch.Add(time.Hour)}
	page, err := tr.Sagas(t.Context(), query)
	if err != nil || page.Next == "" {
		t.Fatal(page.Next, err)
	}
	query.Cursor = page.Next
	refused := func(what string, q Query) {
		t.Helper()
		page, err := tr.Sagas(t.Context(), q)
		if problem, ok := errors.AsType[*QueryError](err); !ok || problem.Field != "cursor" || len(page.Sagas) > 0 {
			t.Errorf("%s: %d sagas, error %v", what, len(page.Sagas), err)
		}
	}
	for what, change := range map[string]func(*Query){
		"order": func(q *Query) { q.OldestFirst = true }, "workflow": func(q *Query) { q.Workflow = "" }, "status": func(q *Query) { q.Status = Ended },
		"service": func(q *Query) { q.Service = "x" }, "topic": func(q *Query) { q.Topic = "x" }, "search": func(q *Query) { q.Search = "ada" },
		"cause": func(q *Query) { q.Cause = "0123456789ab" }, "overdue": func(q *Query) { q.Overdue = true }, "no bound": func(q *Query) { q.StartedBefore = time.Time{} }, "an ID": func(q *Query) { q.Search = someSaga },
	} {
		other := query
		change(&other)
		refused(what, other)
	}
	for i := range page.Next {
		for _, c := range []byte{'A', '-', '!'} {
			if garbled := []byte(page.Next); garbled[i] != c {
				garbled[i] = c
				other := query
				other.Cursor = string(garbled)
				refused("garbled at "+fmt.Sprint(i), other)
			}
		}
	}
	query.Limit, query.Now, query.WithoutPayloads, query.StartedBefore = 5, time.Now(), true, epoch.Add(2*time.Hour)
	if page, err := tr.Sagas(t.Context(), query); err != nil || len(page.Sagas) != 5 {
		t.Errorf("with another limit, and a bound that has moved: %d sagas, error %v", len(page.Sagas), err)
	}
}

// Each goes through what was there, also while it changes by it, and leaves out what has begun since.
func TestEachWhileSagasChange(t *testing.T) { eachStore(t, testEachWhileSagasChange) }

func testEachWhileSagasChange(t *testing.T, st *store.Store) {
	tr, numbers := declaredTracker(t, st), map[string]int{}
	const sagas = eachAtATime*2 + 50
	first, second := newJournal(), newJournal()
	for n := range sagas {
		s := plain(n)
		s.Stops = 1
		numbers[first.write(s)] = n
		second.write(plain(n))
	}
	putRecords(t, st, first.records)
	upTo, err := st.Seq(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var seen, changed []int
	late := newJournal()
	late.now = first.now
	lateSaga := plain(sagas)
	lateSaga.Stops = 1
	if err := tr.Each(t.Context(), Query{Status: Open, OldestFirst: true}, upTo, func(s Saga) bool {
		if len(seen) == 0 { // the first two go on, and so do the last two; another one begins
			late.write(lateSaga)
			putRecords(t, st, late.records)
			for n, id := range idsOf(numbers) {
				if n >= 2 && n < sagas-2 {
					continue
				}
				putRecords(t, st, slices.DeleteFunc(slices.Clone(second.records), func(r wire.Record) bool {
					return string(r.Key) != id || n == sagas-1 && r.Topic != "notify"
				}))
			}
		}
		seen = append(seen, numbers[s.ID])
		if s.Seq > upTo {
			changed = append(changed, numbers[s.ID])
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	want := make([]int, 0, sagas)
	for n := range sagas {
		if n != sagas-2 { // it's over by the time that its page is read
			want = append(want, n)
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("wanted (-), seen (+):\n%s", diff)
	}
	if diff := cmp.Diff([]int{sagas - 1}, changed); diff != "" {
		t.Errorf("changed since, wanted (-), said (+):\n%s", diff)
	}
	n := 0
	if err := tr.Each(t.Context(), Query{}, upTo, func(Saga) bool { n++; return n < 3 }); err != nil || n != 3 {
		t.Errorf("stopped after 3: went on to %d, error %v", n, err)
	}
}

func idsOf(numbers map[string]int) []string {
	ids := make([]string, len(numbers))
	for id, n := range numbers {
		ids[n] = id
	}
	return ids
}

// The log's retention takes starts before what came of them. A saga without one is told as such, whatever order the rest is read in,
// and by a rebuilt store the same; while the log is still being read nobody knows.
func TestPartialSagas(t *testing.T) { eachStore(t, testPartialSagas) }

func testPartialSagas(t *testing.T, st *store.Store) {
	j := newJournal()
	s := plain(1)
	s.Stops = 2
	gone, whole, running := j.write(plain(0)), j.write(plain(2)), j.write(s)
	left := slices.DeleteFunc(slices.Clone(j.records), func(r wire.Record) bool {
		return r.Topic == "new-user" && string(r.Key) != whole
	})
	var want map[string]Saga
	for seed := range uint64(5) {
		rowsOf(t, st, shuffled(left, seed), 3)
		tr := declaredTracker(t, st)
		got := map[string]Saga{}
		for _, id := range []string{gone, whole, running} {
			saga, err := tr.Saga(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.HasSuffix(saga.Sentence(epoch), "Its beginning is no longer in the log.")
			if saga.Partial != (id != whole) || saga.Partial != said {
				t.Errorf("seed %d, %s: partial: %t, %s", seed, mustJSON(saga), saga.Partial, saga.Sentence(epoch))
			}
			saga.Seq = 0
			got[id] = saga
		}
		if seed == 0 {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rebuilt in another order, wanted (-), told (+):\n%s", diff)
		}
	}
	behind := New(Config{Store: st, Logger: quiet})
	if saga, err := behind.Saga(t.Context(), gone); err != nil || saga.Partial {
		t.Errorf("while the log is read: partial: %t, error %v", saga.Partial, err)
	}
	// The start comes late after all.
	putRecords(t, st, j.records)
	if saga, err := declaredTracker(t, st).Saga(t.Context(), gone); err != nil || saga.Partial {
		t.Errorf("with its start: partial: %t, error %v", saga.Partial, err)
	}
}

// What lists are filtered by is what is told of a saga, of whatever is told.
func TestColumnsAgreeWithWhatIsTold(t *testing.T) {
	st := openStore(t)
	tr := declaredTracker(t, st)
	rapid.Check(t, func(rt *rapid.T) {
		j := newJournal()
		id := j.write(drawScenario(rt, 1))
		rowsOf(t, st, shuffled(j.records, rapid.Uint64().Draw(rt, "seed")), 1000)
		saga, err := tr.Saga(t.Context(), id)
		if err != nil {
			rt.Skip("nothing is known of it")
		}
		q := Query{Workflow: saga.Workflow, Status: saga.Status, Service: saga.Service, Topic: saga.Topic, StartedAfter: saga.Started, StartedBefore: saga.Started.Add(1)}
		page, err := tr.Sagas(t.Context(), q)
		if err != nil || len(page.Sagas) != 1 {
			rt.Fatalf("%d found by what is told: %+v, error %v", len(page.Sagas), q, err)
		}
		if current, ok := saga.Current(); ok != (saga.Topic != "") || current.Topic != saga.Topic || saga.Outcome == "" && saga.Since.IsZero() {
			rt.Fatalf("it's at %q since %s, its current step is %+v", saga.Topic, saga.Since, current)
		}
	})
}

func TestSince(t *testing.T) {
	ms := func(n int) time.Time { return epoch.Add(time.Duration(n) * time.Millisecond) }
	for name, test := range map[string]struct {
		change func(*scenario)
		want   time.Time
	}{
		"queued":    {func(s *scenario) { s.Stops = 1 }, ms(28)},
		"running":   {func(s *scenario) { s.Stops, s.Parked[1] = 1, true }, ms(28)},
		"halted":    {func(s *scenario) { s.HaltedAt = 1 }, ms(49)},
		"completed": {func(*scenario) {}, ms(91)},
	} {
		s := plain(1)
		test.change(&s)
		if saga, _ := tellOf(t, s); !saga.Since.Equal(test.want) {
			t.Errorf("%s since %s, want %s", name, saga.Since, test.want)
		}
	}
}
