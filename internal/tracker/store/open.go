package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// readers bounds the connections that lists and timelines are read by. A read is work for a processor, not for a disk, so
// more than a few only take turns.
const readers = 4

// Store is an open database. Its methods are safe for concurrent use, except that only one [Store.Update] runs at a time:
// a second one waits.
type Store struct {
	dialect
	name   string  // for people
	writer *sql.DB // one connection
	reader *sql.DB
	finder *sql.DB  // for searches of business keys; the reader itself where that needs no other settings
	temp   *tempDir // nil if the database was given by its path
	lock   *os.File // of a SQLite file; nil where there are no such locks

	writing      sync.Mutex
	lease        lease
	groupNumbers numbering

	few   int64                                          // fewFound, but in tests
	asked func(db *sql.DB, statement string, args []any) // of tests: called with each query of a reader, in the database's words
}

// Open opens a database and brings its tables up to date. dsn is the path of a SQLite file, or the address of a PostgreSQL
// database: postgres://user:password@host:port/database, with parameters as libpq knows them and with libpq's environment
// variables for what it doesn't say. A file serves one process, which is the only one to open it. A PostgreSQL database may
// be opened by many at once; one of them writes at a time (see [ErrStandby]). It has to be version 13 or later.
//
// An error is one line that says what to do, and has no password in it.
//
// With dsn "" or ":memory:" the database lives as long as the Store: in a file of its own in the directory for temporary
// files (os.TempDir), which Close removes, as does the next Open after the process was killed. That isn't memory, but of a
// million sagas it keeps little of it, and it beats SQLite's own memory databases here. They have no write-ahead log, so a
// list waits for the writer: beside one that never pauses, for 43 ms in the median with a shared cache and for ever with the
// memdb VFS, against 0.4 ms here (two cores, 300 rows read).
func Open(ctx context.Context, dsn string) (*Store, error) {
	s := &Store{dialect: sqlite{}, few: fewFound}
	var err error
	switch {
	case dsn == "" || dsn == ":memory:":
		s.name = "SQLite, temporary"
		if s.temp, err = newTempDir(); err == nil {
			err = s.openSQLite(ctx, filepath.Join(s.temp.path, "tracker.db"), "OFF")
		}
	case IsPostgres(dsn):
		s.dialect = &postgres{}
		err = s.openPostgres(ctx, dsn)
	case strings.Contains(dsn, "://") || strings.HasPrefix(dsn, "file:") || keyword.MatchString(dsn):
		err = errors.New("give the path of a file for SQLite, or an address that begins with postgres://")
	default:
		s.name = "SQLite " + dsn
		// With a write-ahead log, NORMAL risks the last commits at a power cut, never the file, and the log has them still.
		if err = s.openSQLite(ctx, dsn, "NORMAL"); err != nil {
			err = fmt.Errorf("%s: %w", dsn, err)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the tracker's database: %w", err), s.Close())
	}
	return s, nil
}

// keyword begins a DSN of the form that libpq knows beside addresses.
var keyword = regexp.MustCompile(`^\s*(host|hostaddr|port|dbname|user|password|sslmode|service)\s*=`)

func migrate(ctx context.Context, db *sql.DB, folder string, options ...goose.ProviderOption) error {
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return err
	}
	language := map[string]goose.Dialect{"sqlite": goose.DialectSQLite3, "postgres": goose.DialectPostgres}[folder]
	provider, err := goose.NewProvider(language, db, files, append(options, goose.WithSlog(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf(`INSERT INTO meta (key, value) VALUES ('seq', '%d'), ('ended', '0') ON CONFLICT DO NOTHING`, firstSeq()))
	return err
}

// firstSeq is where a new database begins to count: above whatever an older one of the same log gave out, so that a reader
// that comes back with a number of the older one gets all of the new. Microseconds stay exact in a JavaScript number.
func firstSeq() int64 { return time.Now().UnixMicro() }

// Durable says whether the database outlives the Store.
func (s *Store) Durable() bool { return s.temp == nil }

// Name says for people which database it is, without user and password.
func (s *Store) Name() string { return s.name }

// Close ends all use of the database, and removes it if it isn't durable.
func (s *Store) Close() error {
	var errs []error
	if s.writer != nil && s.temp == nil {
		ctx, cancel := context.WithTimeout(context.Background(), resignTimeout)
		_ = s.Resign(ctx) // else the lease runs out by itself
		cancel()
	}
	for _, db := range []*sql.DB{s.finder, s.reader, s.writer} { // one that is closed twice takes no harm
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	if s.temp != nil {
		errs = append(errs, s.temp.remove())
	}
	return errors.Join(errs...)
}

const resignTimeout = 2 * time.Second
