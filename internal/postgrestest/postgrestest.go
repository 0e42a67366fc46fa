// Package postgrestest gives tests a real PostgreSQL, made by initdb in a folder of its own and run as an unprivileged user.
//
// It comes from Debian's package postgresql, or whatever puts initdb and postgres on the PATH; without them tests are skipped with
// a line that says so, unless SKALD_TEST_POSTGRES=required. One server serves a whole test binary; every test takes a
// schema of its own. The server ends with the test binary, even if that is killed; its folder is removed by it or by the next one.
//
// It may import the standard library and pgx. Start reading here, then server.go.
package postgrestest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// running is the server that the tests of a binary share.
var running struct {
	once   sync.Once
	server *Server
	err    error
}

var schemas atomic.Int64

// DSN gives the address of an empty schema, which is the test's own until it ends, or skips the test where there is no PostgreSQL.
func DSN(t testing.TB) string {
	t.Helper()
	running.once.Do(func() { running.server, running.err = NewServer() })
	if running.err != nil {
		skip(t, running.err)
	}
	schema := fmt.Sprint("test", schemas.Add(1))
	running.server.exec(t, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { running.server.exec(t, "DROP SCHEMA "+schema+" CASCADE") })
	return running.server.DSN(url.Values{"search_path": {schema}})
}

// Own gives a server for one test, which may kill it and start it again.
func Own(t testing.TB) *Server {
	t.Helper()
	s, err := NewServer()
	if err != nil {
		skip(t, err)
	}
	t.Cleanup(s.Stop)
	return s
}

// skip says why a test doesn't run, or fails it where it has to.
func skip(t testing.TB, why error) {
	t.Helper()
	if os.Getenv("SKALD_TEST_POSTGRES") == "required" {
		t.Fatalf("PostgreSQL is required: %v", why)
	}
	t.Skipf("SKIPPED on PostgreSQL: %v", why)
}

func (s *Server) exec(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", s.DSN(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

// Main is for TestMain of packages that use PostgreSQL: it runs the tests and stops the server. It gives the exit code.
func Main(m interface{ Run() int }) int {
	code := m.Run()
	if running.server != nil {
		running.server.Stop()
	}
	return code
}
