package store

import (
	"database/sql"
	"encoding/json"
	"strings"
	"testing"
)

// crowd fills a store with sagas, of which one in twenty is open, one in fifty overdue and a few halted.
func crowd(t testing.TB, s *Store, n int) {
	t.Helper()
	for first := 0; first < n; first += 5000 {
		update(t, s, func(tx *Tx) error {
			var some []*Saga
			for n := first; n < first+5000; n++ {
				g := saga(n, []string{"onboarding", "helpdesk"}[n%10/9], "completed")
				switch {
				case n%100 == 3:
					g.Group = Group{g.Workflow, "halted", "authorizer", "authorize", false}
				case n%100 == 5:
					g.Group = Group{g.Workflow, "running", "notifier", "notify", true}
				case n%20 == 7:
					g.Group, g.Due = Group{g.Workflow, "running", []string{"notifier", "authorizer"}[n%40/20], "notify", false}, int64(n)
				default:
					g.Ended = int64(5000 + n)
				}
				some = append(some, g)
			}
			if err := tx.Save(some); err != nil {
				return err
			}
			for i, g := range some {
				hashes := []int64{HeaderHash("n", g.ID[:]), HeaderHash("region", nil), HeaderHash("tenant", []byte{byte(i % 250)})}
				if err := tx.Append(g, Record{Topic: Topic{Name: "t"}, Offset: int64(first + i), Headers: []byte{}, Hashes: hashes}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// What a page costs doesn't grow with the store: indexes are read in the order of the list, and not much further than the page goes.
// On PostgreSQL that holds before the server has gathered statistics, and after.
func TestPagesAreReadAlongIndexes(t *testing.T) { eachDialect(t, testPagesAreReadAlongIndexes) }

func testPagesAreReadAlongIndexes(t *testing.T, dsn string) {
	s := openStore(t, dsn)
	crowd(t, s, 50_000)
	s.few = 2000
	t.Run("without statistics", func(t *testing.T) { testPlans(t, s) })
	if _, err := s.writer.ExecContext(t.Context(), `ANALYZE`); err != nil {
		t.Fatal(err)
	}
	t.Run("with statistics", func(t *testing.T) { testPlans(t, s) })
}

const pageOfPlans = 50

func testPlans(t *testing.T, s *Store) {
	hash := func(name string, value []byte) *int64 { h := HeaderHash(name, value); return &h }
	open := func(g Group) bool { return g.Status == "running" || g.Status == "halted" }
	id := sagaID(777)
	const arms = 6 // groups that crowd makes
	for _, c := range []struct {
		name string
		Filter
		most int // rows of sagas that a list may read
	}{
		{"all", Filter{}, pageOfPlans},
		{"oldest first", Filter{Oldest: true}, pageOfPlans},
		{"far down", Filter{After: &Place{20000, 20000}}, pageOfPlans},
		{"of a time", Filter{From: 20000, To: 40000}, pageOfPlans},
		{"workflow", Filter{Workflow: "helpdesk"}, arms * pageOfPlans},
		{"ended", Filter{Groups: with("completed")}, arms * pageOfPlans},
		{"open", Filter{Groups: open}, arms * pageOfPlans},
		{"open, far down", Filter{Groups: open, After: &Place{20000, 20000}, Oldest: true}, arms * pageOfPlans},
		{"open, of a time", Filter{Groups: open, From: 5000, To: 40000}, arms * pageOfPlans},
		{"late", Filter{Groups: open, Late: 50_000}, arms*pageOfPlans + 2*int(s.few)},
		{"a few late", Filter{Groups: open, Late: 1000}, arms*pageOfPlans + 2*int(s.few)},
		{"all filters", Filter{Workflow: "onboarding", Groups: open, From: 5000, To: 40000, Late: 30000, Oldest: true}, arms*pageOfPlans + 2*int(s.few)},
		{"key, one hit", Filter{Search: "person.777@"}, triedFirst + 1000},
		{"key, none", Filter{Search: "nobody"}, triedFirst + 1000},
		{"key, all", Filter{Search: "example"}, 4 * pageOfPlans},
		{"key, all, halted", Filter{Search: "example", Groups: with("halted"), Oldest: true}, 8 * pageOfPlans},
		{"header, one hit", Filter{Header: hash("n", id[:])}, 2},
		{"header, 200 hits", Filter{Header: hash("tenant", []byte{5})}, 201},
		{"header, 200 hits, open", Filter{Header: hash("tenant", []byte{5}), Groups: open}, 201},
		{"header, all", Filter{Header: hash("region", nil)}, 8*pageOfPlans + 1},
	} {
		c.Limit = pageOfPlans
		read := 0
		see := func(what string) {
			read = 0
			s.asked = func(db *sql.DB, text string, args []any) { read += seePlan(t, s, db, c.name+", "+what, text, args) }
		}
		see("list")
		if _, err := s.List(t.Context(), c.Filter); err != nil {
			t.Fatal(err)
		}
		if read > c.most {
			t.Errorf("%s: the list reads %d rows of sagas, want %d at most", c.name, read, c.most)
		}
		see("count")
		if _, _, err := s.Count(t.Context(), c.Filter); err != nil {
			t.Fatal(err)
		}
		// What is late is counted first, a key is looked for among the first of the list, and a group in a time may be found quicker by the
		// time: which the planner takes depends on what it sampled. So of a time no more is read than it has, once.
		if most := max(int(5*s.few)+triedFirst+1000, int(c.To-c.From+s.few)); read > most {
			t.Errorf("%s: the count reads %d rows of sagas, want %d at most", c.name, read, most)
		}
		s.asked = nil
	}
}

// seePlan looks at how a query is answered, and gives how many rows of sagas it reads. SQLite doesn't tell.
func seePlan(t *testing.T, s *Store, db *sql.DB, name, text string, args []any) (read int) {
	t.Helper()
	if _, ok := s.dialect.(sqlite); ok {
		seeSQLite(t, db, name, text, args)
		return 0
	}
	var said []byte
	if err := db.QueryRowContext(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+text, args...).Scan(&said); err != nil {
		t.Fatal(err)
	}
	var plans []struct {
		Plan planNode        `json:"Plan"`
		JIT  json.RawMessage `json:"JIT"`
	}
	if err := json.Unmarshal(said, &plans); err != nil {
		t.Fatal(err)
	}
	if plans[0].JIT != nil {
		t.Errorf("%s: is compiled: %s", name, text)
	}
	return plans[0].Plan.see(t, name+": "+text)
}

// planNode is one of PostgreSQL's.
type planNode struct {
	Type    string     `json:"Node Type"`
	Table   string     `json:"Relation Name"`
	Rows    float64    `json:"Actual Rows"`
	Loops   float64    `json:"Actual Loops"`
	Removed float64    `json:"Rows Removed by Filter"`
	Plans   []planNode `json:"Plans"`
}

func (n planNode) see(t *testing.T, query string) (read int) {
	t.Helper()
	if n.Type == "Seq Scan" && n.Table != "saga_group" || n.Type == "Bitmap Heap Scan" && n.Table != "saga_subject" {
		t.Errorf("%s of %s: %s", n.Type, n.Table, query)
	}
	if n.Table == "saga" {
		read = int((n.Rows + n.Removed) * n.Loops)
	}
	for _, p := range n.Plans {
		read += p.see(t, query)
	}
	return read
}

// seeSQLite wants no table read without an index, but that of groups, and no sorting of more than pages and hits.
func seeSQLite(t *testing.T, db *sql.DB, name, text string, args []any) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		id, parent int
		detail     string
	}
	plan, err := scanAll(rows, func(rows *sql.Rows) (l line, err error) {
		var unused int
		return l, rows.Scan(&l.id, &l.parent, &unused, &l.detail)
	})
	if err != nil {
		t.Fatal(err)
	}
	inner := map[int]string{} // by the line that it is under: what a part reads
	for _, l := range plan {
		inner[l.parent] += l.detail + "\n"
	}
	for _, l := range plan {
		if table, ok := strings.CutPrefix(l.detail, "SCAN "); ok && (table == "s" || table == "saga" || table == "h" || table == "saga_header") {
			t.Errorf("%s: reads %s from end to end: %s", name, table, text)
		}
		// What is sorted: what a page is chosen from, and the few that are late.
		reads := inner[l.parent]
		if strings.HasPrefix(l.detail, "USE TEMP B-TREE") && strings.Contains(reads, " s USING ") && !strings.Contains(reads, "USING INTEGER PRIMARY KEY") &&
			!strings.Contains(reads, "USING INDEX saga_due") {
			t.Errorf("%s: sorts what it reads:\n%s%s", name, reads, text)
		}
	}
}
