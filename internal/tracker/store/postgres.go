package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// connectTimeout is how long a server may take to answer, unless the DSN says otherwise (connect_timeout, in seconds).
const connectTimeout = 5 * time.Second

// IsPostgres says whether a DSN is that of a PostgreSQL database.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func (s *Store) openPostgres(ctx context.Context, dsn string) error {
	config, err := parsePostgres(dsn)
	if err != nil {
		return err
	}
	s.name = nameOf(config)
	s.writer = stdlib.OpenDB(*config)
	s.reader = stdlib.OpenDB(*config, planning(inOrder+noBitmaps))
	s.finder = stdlib.OpenDB(*config, planning(inOrder))
	s.writer.SetMaxOpenConns(1)
	for _, db := range []*sql.DB{s.reader, s.finder} {
		db.SetMaxOpenConns(readers)
		db.SetMaxIdleConns(readers)
	}
	if err := s.writer.PingContext(ctx); err != nil {
		return fmt.Errorf("%s can't be reached: %s", s.name, reason(err))
	}
	// Several processes may open it at once, and one migrates.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return err
	}
	migrator := stdlib.OpenDB(*config)
	defer migrator.Close()
	if err := migrate(ctx, migrator, "postgres", goose.WithSessionLocker(locker)); err != nil {
		return fmt.Errorf("%s: %s", s.name, reason(err))
	}
	return nil
}

// Lists are pages of what may be a million rows, and are read along the index that has their order: it serves the first rows at once. The planner
// knows better ways to read all of it (bitmaps, hashes, the table from end to end), and where it has no statistics yet, or old ones, it takes
// a group of most sagas for a two-hundredth of them and reads and sorts that for a page. So those ways are shut. A plan is made for the
// arguments at hand, as it depends on how short the page is, and isn't compiled, which would take longer than to run it.
// Business keys alone have an index that only gives bitmaps.
const (
	inOrder = `SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
		SET plan_cache_mode = force_custom_plan; SET jit = off; `
	noBitmaps = `SET enable_bitmapscan = off; `
)

// planning tells each connection how to plan. As parameters of the connection they would be refused by some poolers.
func planning(settings string) stdlib.OptionOpenDB {
	return stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		return conn.PgConn().Exec(ctx, settings).Close()
	})
}

// Ping says whether a PostgreSQL database can be reached, and what it's called for people. It changes nothing there.
func Ping(ctx context.Context, dsn string) (name string, err error) {
	config, err := parsePostgres(dsn)
	if err != nil {
		return "", err
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	if err := db.PingContext(ctx); err != nil {
		return "", fmt.Errorf("%s can't be reached: %s", nameOf(config), reason(err))
	}
	return nameOf(config), nil
}

func nameOf(config *pgx.ConnConfig) string {
	return "PostgreSQL " + net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))) + "/" + config.Database
}

// parsePostgres reads a DSN. Of one that can't be read nothing is said back: nobody knows where in it the password is.
func parsePostgres(dsn string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("the address can't be read: it has to look like postgres://user:password@host:port/database, " +
			"with characters such as / ? # % in user and password as %2F %3F %23 %25")
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		_, why, _ := strings.Cut(err.Error(), "`: ") // behind the address, which it repeats
		return nil, fmt.Errorf("the address %s is wrong: %s", hideUser(u), hide(cmp.Or(why, "it has to look like postgres://user:password@host:port/database"), u))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	return config, nil
}

// hideUser is an address without user, password and parameters.
func hideUser(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// hide takes an address's passwords out of a text.
func hide(text string, u *url.URL) string {
	secrets := []string{u.Query().Get("password"), u.Query().Get("sslpassword")}
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, password)
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

// reason is an error in one line. pgx tells what each host said, once with TLS and once without. None of it is a password.
func reason(err error) string {
	if e, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		err = errors.Unwrap(e)
	}
	var said []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return strings.Join(said, "; ")
}
