package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// readers bounds the connections that lists and timelines are read by. A read is work for a processor, not for a disk, so
// more than a few only take turns.
const readers = 4

// Store is an open database. Its methods are safe for concurrent use, except that only one [Store.Update] runs at a time:
// a second one waits.
type Store struct {
	writer *sql.DB // one connection
	reader *sql.DB
	temp   *tempDir // nil if the database was given by its path
}

// Open opens the SQLite database in the file dsn and brings its tables up to date. Two processes must not write to one file.
//
// With dsn "" or ":memory:" the database lives as long as the Store: in a file of its own in the directory for temporary
// files (os.TempDir), which Close removes, as does the next Open after the process was killed. That isn't memory, but of a
// million sagas it keeps little of it, and it beats SQLite's own memory databases here. They have no write-ahead log, so a
// list waits for the writer: beside one that never pauses, for 43 ms in the median with a shared cache and for ever with the
// memdb VFS, against 0.4 ms here (two cores, 300 rows read).
func Open(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{}
	path, sync := dsn, "NORMAL" // with a write-ahead log that risks the last commits at a power cut, never the file, and the log has them still
	if dsn == "" || dsn == ":memory:" {
		temp, err := newTempDir()
		if err != nil {
			return nil, fmt.Errorf("open the tracker's database: %w", err)
		}
		s.temp, path, sync = temp, filepath.Join(temp.path, "tracker.db"), "OFF"
	} else if strings.Contains(dsn, "://") || strings.HasPrefix(dsn, "file:") {
		return nil, fmt.Errorf("open the tracker's database: %q: give the path of a file, for a SQLite database", redact(dsn))
	}
	if err := s.open(ctx, path, sync); err != nil {
		return nil, errors.Join(fmt.Errorf("open the tracker's database %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, path, sync string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	s.writer, err = connect(path, 1, url.Values{
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
	if err := migrate(ctx, s.writer); err != nil {
		return err
	}
	s.reader, err = connect(path, readers, url.Values{
		"_pragma": {"query_only(1)", "busy_timeout(5000)", "cache_size(-8192)"},
	})
	return err
}

func connect(path string, connections int, parameters url.Values) (*sql.DB, error) {
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

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('seq', ?) ON CONFLICT DO NOTHING`, firstSeq())
	return err
}

// firstSeq is where a new database begins to count: above whatever an older one of the same log gave out, so that a reader
// that comes back with a number of the older one gets all of the new. Microseconds stay exact in a JavaScript number.
func firstSeq() int64 { return time.Now().UnixMicro() }

// Durable says whether the database outlives the Store.
func (s *Store) Durable() bool { return s.temp == nil }

// Close ends all use of the database, and removes it if it isn't durable.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.temp != nil {
		errs = append(errs, s.temp.remove())
	}
	return errors.Join(errs...)
}

// redact keeps a password out of an error.
func redact(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "…"
	}
	return u.Redacted()
}
