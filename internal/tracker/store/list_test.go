package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// variety gives sagas that differ in everything that lists filter and sort by, many at one time.
func variety(n int) []*Saga {
	all := make([]*Saga, 0, n)
	for n := range n {
		g := saga(n, []string{"", "a", "b"}[n%3], []string{"running", "completed", "halted", ""}[n%11%4])
		g.Started = int64(1000 + n*37%101)
		if g.Status == "completed" {
			g.Ended = int64(2000 + n)
		} else if g.Status != "" {
			g.Service, g.Topic = []string{"", "x", "y"}[n%5%3], []string{"t", "u"}[n%2]
			switch n % 13 % 3 {
			case 0:
				g.Overdue = true
			case 1:
				g.Due = int64(3000 + n)
			}
		}
		all = append(all, g)
	}
	return all
}

// found says whether a saga is what a search is for; headers are those of variety's (see below).
func found(g *Saga, f Filter) bool {
	if f.Cause != "" && f.Cause != causeFor(g) {
		return false
	}
	switch {
	case f.Header != nil:
		return slices.Contains(hashesOf(g), *f.Header)
	case f.Search != "":
		return containsFold(g.Subject, f.Search)
	}
	return true
}

// causeFor is that of the letters that the tests give a saga; some have none.
func causeFor(g *Saga) string { return []string{"c0", "c1", "", "c1"}[g.ID[len(g.ID)-1]%4] }

// hashesOf are those of the headers that the tests give a saga.
func hashesOf(g *Saga) []int64 {
	n := int(g.ID[len(g.ID)-1])
	return []int64{HeaderHash("ce_id", g.ID[:]), HeaderHash("tenant", []byte{byte(n % 3)})}
}

// Every way to list and to count gives the same as sorting all sagas.
func TestListsAgreeWithSorting(t *testing.T) { eachDialect(t, testListsAgreeWithSorting) }

func testListsAgreeWithSorting(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	all := variety(200)
	update(t, s, func(tx *Tx) error {
		if err := tx.Save(all); err != nil {
			return err
		}
		for i, g := range all {
			if err := tx.Append(g, Record{Topic: Topic{Name: "t"}, Offset: int64(i), Headers: []byte{}, Hashes: hashesOf(g)}); err != nil {
				return err
			}
			if c := causeFor(g); c != "" {
				if err := tx.SaveLetters(g, []Letter{{Offset: int64(2 * i), Cause: c}, {Offset: int64(2*i + 1), Cause: c}}); err != nil {
					return err
				}
			}
		}
		return tx.SaveLetters(nil, []Letter{{Offset: 9999, Cause: "c0"}})
	})
	one, third, none := HeaderHash("ce_id", all[77].ID[:]), HeaderHash("tenant", []byte{1}), HeaderHash("tenant", []byte{7})
	groups := map[string]func(Group) bool{
		"any": nil, "halted": with("halted"), "at x": func(g Group) bool { return g.Service == "x" },
		"for t": func(g Group) bool { return g.Topic == "t" }, "open": func(g Group) bool { return g.Status != "completed" },
		"none": func(Group) bool { return false },
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(some ...int64) int64 { return some[random.IntN(len(some))] }
	filled := 0
	for range 150 {
		s.few = pick(5, 40, 1000) // so that every way is taken
		names := slices.Sorted(maps.Keys(groups))
		name := names[random.IntN(len(names))]
		f := Filter{
			Workflow: []string{"", "", "a", "b"}[random.IntN(4)], Groups: groups[name], From: pick(0, 0, 1020), To: pick(0, 0, 1080),
			Late: pick(0, 0, 3000, 3020, 3250, 9000), Oldest: random.IntN(2) == 0,
		}
		switch random.IntN(6) {
		case 0:
			f.Search = []string{"son.1", ".44@", "PERSON", "nobody"}[random.IntN(4)]
		case 1:
			f.Header = []*int64{&one, &third, &none}[random.IntN(3)]
		}
		if random.IntN(3) == 0 {
			f.Cause = []string{"c0", "c1", "c1", "c2"}[random.IntN(4)]
		}
		if filled += agrees(t, s, all, f, fmt.Sprintf("%+v of groups %s, %d are few", f, name, s.few)); t.Failed() {
			t.FailNow()
		}
	}
	if filled < 30 {
		t.Errorf("only %d of 150 filters selected anything", filled)
	}
}

// agrees compares a list, page by page, and its count with what sorting gives; it gives 1 if that is anything.
func agrees(t *testing.T, s *Store, all []*Saga, f Filter, what string) int {
	t.Helper()
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(x, y *Saga) int {
		if f.Oldest {
			x, y = y, x
		}
		if x.Started != y.Started {
			return int(y.Started - x.Started)
		}
		return int(y.n - x.n)
	})
	var want, got []SagaID
	for _, g := range sorted {
		if f.Selects(g) && found(g, f) {
			want = append(want, g.ID)
		}
	}
	n, exact, err := s.Count(t.Context(), f)
	if err != nil || n > int64(len(want)) || exact && n != int64(len(want)) || len(want) <= int(s.few) && !exact && !f.searches() {
		t.Errorf("%s: counted %d, exactly: %t, error %v; there are %d", what, n, exact, err, len(want))
	}
	along := f
	for f.Limit = 7; ; {
		page, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page {
			got = append(got, g.ID)
		}
		if len(page) < f.Limit {
			break
		}
		place := page[len(page)-1].Place()
		f.After = &place
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: wanted (-), listed (+):\n%s", what, diff)
	}
	if along.Limit = 1000; along.searches() {
		page, whole, err := s.searchAlong(t.Context(), along, 0)
		if err != nil || !whole || len(page) != len(want) {
			t.Errorf("%s, along the list: %d hits, error %v, want %d", what, len(page), err, len(want))
		}
	}
	return min(1, len(want))
}

// Groups are counted right whatever a saga goes through, and a number that was given to one stays it after errors and reopening.
func TestGroupsFollowChanges(t *testing.T) { eachDialect(t, testGroupsFollowChanges) }

func testGroupsFollowChanges(t *testing.T, dsn string) {
	s, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	all := variety(200)
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 20 {
		some := all[random.IntN(100):][:100]
		failed := round%5 == 3
		_, err := s.Update(t.Context(), func(tx *Tx) error {
			// Changed on copies, as what a failed update has saved must not be used again.
			ids := make([]SagaID, len(some))
			for i, g := range some {
				ids[i] = g.ID
			}
			loaded, err := tx.Load(ids)
			if err != nil {
				return err
			}
			save := make([]*Saga, 0, len(some))
			for _, g := range some {
				now := loaded[g.ID]
				if now == nil {
					now = &Saga{ID: g.ID, Started: g.Started, State: g.State}
				}
				now.Group = all[random.IntN(len(all))].Group
				now.Topic = fmt.Sprint("topic ", random.IntN(round+1))
				save = append(save, now)
			}
			if err := tx.Save(save); err != nil {
				return err
			}
			if failed {
				return fmt.Errorf("no")
			}
			for _, now := range save {
				i := slices.IndexFunc(all, func(g *Saga) bool { return g.ID == now.ID })
				all[i] = now
			}
			return nil
		})
		if (err != nil) != failed {
			t.Fatal(err)
		}
		if round == 10 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, dsn)
		}
	}
	want, got := map[Group]int64{}, map[Group]int64{}
	for _, g := range all {
		if g.n != 0 && g.Status != "" {
			want[g.Group]++
		}
	}
	groups, err := s.groups(t.Context(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		got[g.Group] += g.sagas
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wanted (-), counted (+):\n%s", diff)
	}
	for group := range want {
		listed, err := s.List(t.Context(), Filter{Groups: func(g Group) bool { return g == group }, Limit: 1000})
		if err != nil || int64(len(listed)) != want[group] || slices.ContainsFunc(listed, func(g *Saga) bool { return g.Group != group }) {
			t.Errorf("%+v: %d listed, error %v, want %d", group, len(listed), err, want[group])
		}
	}
}

// Minutes are counted by when sagas ended, whatever order that becomes known in, and stay when the sagas go.
func TestOutcomesByMinute(t *testing.T) { eachDialect(t, testOutcomesByMinute) }

func testOutcomesByMinute(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	const minute = int64(60e9)
	a, b, c := saga(1, "w", "completed"), saga(2, "w", "completed"), saga(3, "w", "rejected")
	a.Ended, b.Ended, c.Ended = 5*minute+1, 7*minute-1, 7*minute
	open := saga(4, "w", "running")
	update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{a, b, c, open}) })
	b.Ended = 5 * minute
	update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{b}) })
	check := func(from int64, want ...MinuteCount) {
		t.Helper()
		got, err := s.Outcomes(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("from minute %d wanted (-), got (+):\n%s", from, diff)
		}
	}
	check(0, MinuteCount{5, "completed", 2}, MinuteCount{7, "rejected", 1})
	check(6, MinuteCount{7, "rejected", 1})
	if n := prune(t, s, Retention{Keep: 1, NotAfter: 10 * minute, Most: 10}); n != 2 {
		t.Errorf("%d went, want 2", n)
	}
	check(0, MinuteCount{5, "completed", 2}, MinuteCount{7, "rejected", 1})
	prune(t, s, Retention{EndedBefore: 6 * minute, NotAfter: 10 * minute, Most: 10})
	check(0, MinuteCount{7, "rejected", 1})
}

// What a saga was found by goes with it, and with nothing else: numbers of rows are given out again.
func TestHeadersGoWithTheirSaga(t *testing.T) { eachDialect(t, testHeadersGoWithTheirSaga) }

func testHeadersGoWithTheirSaga(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	hashes := func(headers []byte) (all []int64) {
		for name := range strings.FieldsSeq(string(headers)) {
			all = append(all, HeaderHash(name, nil))
		}
		return all
	}
	put := func(g *Saga, headers string) {
		update(t, s, func(tx *Tx) error {
			if err := tx.Save([]*Saga{g}); err != nil {
				return err
			}
			for offset := range 2 { // on two of its events
				r := Record{Topic: Topic{Name: "t"}, Offset: int64(offset), Headers: []byte(headers), Hashes: hashes([]byte(headers))}
				if err := tx.Append(g, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	kept, over := saga(1, "w", "running"), saga(2, "w", "completed")
	over.Ended = 5
	put(kept, "shared mine")
	put(over, "shared its")
	if n := prune(t, s, Retention{EndedBefore: 10, NotAfter: 10, Most: 10, Hashes: hashes}); n != 1 {
		t.Errorf("%d went, want 1", n)
	}
	put(saga(3, "w", "running"), "")
	for name, want := range map[string]string{"shared": "[1]", "mine": "[1]", "its": "[]"} {
		hash := HeaderHash(name, nil)
		got, err := s.List(t.Context(), Filter{Header: &hash, Limit: 10})
		if err != nil || fmt.Sprint(numbers(got)) != want {
			t.Errorf("with %s: %v, error %v, want %s", name, numbers(got), err, want)
		}
	}
	var rows int
	if err := s.reader.QueryRowContext(t.Context(), `SELECT count(*) FROM saga_header`).Scan(&rows); err != nil || rows != 2 {
		t.Errorf("%d rows are left, error %v, want 2", rows, err)
	}
}

// Of the named sagas those are given that there are; of one of which nothing but its ID is known nobody has asked.
func TestAmong(t *testing.T) { eachDialect(t, testAmong) }

func testAmong(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	a, b, bare, other := saga(1, "w", "completed"), saga(2, "w", "running"), saga(3, "w", ""), saga(4, "w", "running")
	update(t, s, func(tx *Tx) error { return tx.Save([]*Saga{a, b, bare, other}) })
	got, err := s.Among(t.Context(), []SagaID{b.ID, bare.ID, {}, a.ID, a.ID})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[SagaID]int{}
	for _, g := range got {
		ids[g.ID]++
	}
	if diff := cmp.Diff(map[SagaID]int{a.ID: 1, b.ID: 1}, ids); diff != "" {
		t.Error(diff)
	}
	if none, err := s.Among(t.Context(), nil); err != nil || len(none) > 0 {
		t.Errorf("%d sagas, error %v", len(none), err)
	}
}
