package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqlite is the dialect that statements are written in. A call costs next to nothing in one process, so many rows are written
// one by one.
type sqlite struct{}

func (s *Store) openSQLite(ctx context.Context, path, sync string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if s.lock, err = lockDatabase(path); err != nil {
		return err
	}
	s.writer, err = connectSQLite(path, 1, url.Values{
		"_pragma": {
			"journal_mode(WAL)", "synchronous(" + sync + ")", "busy_timeout(5000)",
			"cache_size(-65536)",       // KiB: an index's hot pages, of a million sagas
			"wal_autocheckpoint(8192)", // pages: 32 MiB, as every checkpoint writes a page once however often it changed
			"journal_size_limit(67108864)",
		},
		"_txlock": {"immediate"},
	})
	if err != nil {
		return err
	}
	if err := migrate(ctx, s.writer, "sqlite"); err != nil {
		return err
	}
	// Whoever holds the lock of the file is its only writer: a lease that is left over is a dead process's.
	if _, err := s.writer.ExecContext(ctx, `UPDATE lease SET held_until = 0`); err != nil {
		return err
	}
	s.reader, err = connectSQLite(path, readers, url.Values{
		"_pragma": {"query_only(1)", "busy_timeout(5000)", "cache_size(-8192)"},
	})
	s.finder = s.reader
	return err
}

func connectSQLite(path string, connections int, parameters url.Values) (*sql.DB, error) {
	if !strings.HasPrefix(path, "/") {
		path = "/" + filepath.ToSlash(path) // a drive's letter
	}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: parameters.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func (sqlite) text(statement string) string { return statement }

func (sqlite) now() string { return `CAST(unixepoch('subsec') * 1000 AS INTEGER)` }

func (sqlite) in(column, kind string, values []any) (string, []any) {
	if kind == "bigint" {
		return inNumbers(column, values)
	}
	return column + ` IN (?` + strings.Repeat(`, ?`, len(values)-1) + `)`, values
}

func (sqlite) inAtATime() int { return 64 }

// inNumbers is one statement for however many there are, which may be more than SQLite takes arguments.
func inNumbers(column string, numbers []any) (string, []any) {
	b := []byte{'['}
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n.(int64), 10)
	}
	return column + ` IN (SELECT value FROM json_each(?))`, []any{string(append(b, ']'))}
}

func (sqlite) begin(context.Context, *Tx) error { return nil }

func (sqlite) runMany(tx *Tx, c change, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	statement, err := tx.prepared(c.sqlite()) //nolint:sqlclosecheck // see prepared
	if err != nil {
		return err
	}
	// For a context that can end the driver starts a goroutine per call, which takes longer than the call.
	ctx := context.WithoutCancel(tx.ctx)
	for _, row := range rows {
		if err := tx.ctx.Err(); err != nil {
			return err
		}
		if _, err := statement.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

func (c change) sqlite() string {
	var names []string
	for _, column := range c.columns {
		names = append(names, column.name)
	}
	switch {
	case c.insert != "":
		return fmt.Sprintf(`INSERT INTO %s (%s) VALUES (?%s) %s`,
			c.insert, strings.Join(names, `, `), strings.Repeat(`, ?`, len(names)-1), c.conflict)
	case c.update != "":
		return fmt.Sprintf(`UPDATE %s SET %s = ? WHERE %s = ?`, c.update, strings.Join(names, ` = ?, `), c.key.name)
	}
	return fmt.Sprintf(`DELETE FROM %s WHERE %s = ?`, c.remove, strings.Join(append(names, c.key.name), ` = ? AND `))
}

func (sqlite) forget(table string) string { return `DELETE FROM ` + table }

func (d sqlite) index(tx *Tx, subjects []subject) error {
	rows := make([][]any, 0, len(subjects))
	for _, s := range subjects {
		rows = append(rows, []any{s.n, s.text})
	}
	return d.runMany(tx, change{insert: "saga_subject", columns: []column{bigint("rowid"), text("subject")}}, rows)
}

func (sqlite) unindex() change { return change{remove: "saga_subject", key: bigint("rowid")} }

func (sqlite) matching(search string) (query string, args []any, allAtOnce bool) {
	return `SELECT rowid FROM saga_subject WHERE saga_subject MATCH ?`, []any{`"` + strings.ReplaceAll(search, `"`, `""`) + `"`}, false
}

var errInUse = errors.New("another process uses it: give another file, or the postgres:// address of a database that several may share")
