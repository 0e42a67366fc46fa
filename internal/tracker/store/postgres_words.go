package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// postgres is the dialect of a server: a call takes its time, so many rows are written by one.
type postgres struct {
	texts sync.Map // by the statement in SQLite's words
}

var hints = regexp.MustCompile(` INDEXED BY \w+`)

// text numbers the arguments and leaves out what the planner finds out by itself.
func (p *postgres) text(statement string) string {
	if text, ok := p.texts.Load(statement); ok {
		return text.(string)
	}
	var b strings.Builder
	for i, part := range strings.Split(hints.ReplaceAllString(statement, ""), "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	p.texts.Store(statement, b.String())
	return b.String()
}

func (*postgres) now() string { return `(extract(epoch FROM clock_timestamp()) * 1000)::bigint` }

func (*postgres) in(column, kind string, values []any) (string, []any) {
	return fmt.Sprintf(`%s = ANY (?::%s[])`, column, kind), []any{list(kind, values)}
}

func (*postgres) inAtATime() int { return 2000 }

// begin bounds how long others wait for a process that stands still in a transaction.
func (*postgres) begin(ctx context.Context, tx *Tx) error {
	_, err := tx.tx.ExecContext(ctx, `SET LOCAL idle_in_transaction_session_timeout = '10s'`)
	return err
}

// What one statement carries: more rows don't make it quicker, and a message of the protocol has an end.
const (
	rowsAtATime  = 2000
	bytesAtATime = 8 << 20
)

func (p *postgres) runMany(tx *Tx, c change, rows [][]any) error {
	columns := c.columns
	if c.insert == "" {
		columns = append(slices.Clone(columns), c.key)
	}
	statement := c.postgres(columns)
	for len(rows) > 0 {
		some, bytes := 0, 0
		for some < min(rowsAtATime, len(rows)) && bytes < bytesAtATime {
			for _, value := range rows[some] {
				if b, ok := value.([]byte); ok {
					bytes += len(b)
				}
			}
			some++
		}
		args := make([]any, 0, len(columns))
		values := make([]any, some)
		for i, column := range columns {
			for j, row := range rows[:some] {
				values[j] = row[i]
			}
			args = append(args, list(column.kind, values))
		}
		if err := tx.do(statement, args...); err != nil {
			return err
		}
		rows = rows[some:]
	}
	return nil
}

// postgres gives the statement, whose arguments are columns of rows.
func (c change) postgres(columns []column) string {
	var names, arrays, sets []string
	for _, column := range columns {
		names = append(names, column.name)
		arrays = append(arrays, `?::`+column.kind+`[]`)
	}
	for _, column := range c.columns {
		sets = append(sets, column.name+` = row.`+column.name)
	}
	rows := fmt.Sprintf(`unnest(%s) AS row (%s)`, strings.Join(arrays, `, `), strings.Join(names, `, `))
	switch {
	case c.insert != "":
		list := strings.Join(names, `, `)
		return fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM %s %s`, c.insert, list, list, rows, c.conflict)
	case c.update != "":
		return fmt.Sprintf(`UPDATE %s SET %s FROM %s WHERE %s.%s = row.%s`,
			c.update, strings.Join(sets, `, `), rows, c.update, c.key.name, c.key.name)
	}
	if len(c.columns) > 0 {
		var same []string
		for _, name := range names {
			same = append(same, c.remove+`.`+name+` = row.`+name)
		}
		return fmt.Sprintf(`DELETE FROM %s USING %s WHERE %s`, c.remove, rows, strings.Join(same, ` AND `))
	}
	// By ANY an index is used whatever the planner thinks of the table's size: there may be no statistics yet.
	return fmt.Sprintf(`DELETE FROM %s WHERE %s = ANY (%s)`, c.remove, c.key.name, arrays[0])
}

// list makes values of one kind what pgx sends as an array.
func list(kind string, values []any) any {
	switch kind {
	case "bigint":
		return typed[int64](values)
	case "bytea":
		return typed[[]byte](values)
	}
	return typed[string](values)
}

func typed[T any](values []any) []T {
	all := make([]T, len(values))
	for i, v := range values {
		all[i], _ = v.(T) // no value is NULL, which only bytes can be
	}
	return all
}

func (*postgres) forget(table string) string { return `TRUNCATE ` + table }

func (p *postgres) index(tx *Tx, subjects []subject) error {
	rows := make([][]any, 0, len(subjects))
	for _, s := range subjects {
		folded := strings.ToLower(s.text)
		rows = append(rows, []any{s.n, folded, gramsText(folded)})
	}
	statement := `INSERT INTO saga_subject (n, folded, grams) SELECT n, folded, grams::integer[]
		FROM unnest(?::bigint[], ?::text[], ?::text[]) AS row (n, folded, grams)`
	for some := range slices.Chunk(rows, rowsAtATime) {
		columns := [3][]any{}
		for _, row := range some {
			for i := range columns {
				columns[i] = append(columns[i], row[i])
			}
		}
		if err := tx.do(statement, list("bigint", columns[0]), list("text", columns[1]), list("text", columns[2])); err != nil {
			return err
		}
	}
	return nil
}

func (*postgres) unindex() change { return change{remove: "saga_subject", key: bigint("n")} }

// A GIN index gives a bitmap: a text that is in a million business keys takes it a second.
func (*postgres) matching(search string) (query string, args []any, allAtOnce bool) {
	folded := strings.ToLower(search)
	return `SELECT n FROM saga_subject WHERE grams @> ?::integer[] AND strpos(folded, ?) > 0`, []any{grams(folded), folded}, true
}

// grams gives a hash of each trigram of a text. Two that have the same do no harm: what is found is looked at.
func grams(s string) []int32 {
	runes := []rune(s)
	var all []int32
	for i := 0; i+MinSearch <= len(runes); i++ {
		h := fnv.New32a()
		_, _ = h.Write([]byte(string(runes[i : i+MinSearch]))) // a hash takes everything
		all = append(all, int32(h.Sum32()))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func gramsText(s string) string {
	b := []byte{'{'}
	for i, g := range grams(s) {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(g), 10)
	}
	return string(append(b, '}'))
}
