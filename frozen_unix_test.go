//go:build unix

package skald_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
	"github.com/skald-saga/skald/internal/wire"
	"github.com/skald-saga/skald/skaldsql"
)

// An authorizer is frozen in its handler, before its effect. Another takes over and rejects the saga, which is undone. When the first
// one thaws, it must not leave a grant behind.
func TestFrozenHandlerLeavesNoEffect(t *testing.T) { brokertest.Each(t, testFrozen) }

func testFrozen(t *testing.T, broker brokertest.Broker) {
	t.Parallel()
	cfg := configFor(broker)
	path := filepath.Join(t.TempDir(), "grants.db")
	db, err := openGrants(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	b := newBook()
	start(t, cfg, b.provisioner(plain, quick))
	client := newClient(t, cfg)

	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), frozenChild+"="+strings.Join(cfg.Brokers, ","), "SKALD_TEST_PREFIX="+cfg.Prefix, "SKALD_TEST_DB="+path)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	said := bufio.NewReader(out)
	says := func(want string) {
		t.Helper()
		line, err := said.ReadString('\n')
		if err != nil || strings.TrimSpace(line) != want {
			t.Fatalf("the child says %q (%v), want %q", line, err, want)
		}
	}
	says("joined")
	saga := startFor(t, client, plain, "ada")
	says("in the handler")
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	start(t, cfg, grantor(db, func(ctx context.Context) error { return skald.Reject("not ada") }))
	expectOutcome(t, saga, wire.Rejected, "not ada")
	b.expect(t, "ada", "do assign", "undo assign")
	if err := child.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "go on\n"); err != nil {
		t.Fatal(err)
	}
	says("undone before")
	var grants int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM grants`).Scan(&grants); err != nil {
		t.Fatal(err)
	}
	if grants != 0 {
		t.Errorf("%d grants of a saga that was undone", grants)
	}
}

func openGrants(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	if err := skaldsql.Migrate(ctx, db); err != nil {
		return nil, err
	}
	_, err = db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS grants (effect TEXT)`)
	return db, err
}

// grantor is an authorizer that keeps its grants in SQL. before is what it does before it grants.
func grantor(db *sql.DB, before func(context.Context) error) *skald.Service {
	return skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic, func(ctx context.Context, in authorize) (notify, error) {
		if err := before(ctx); err != nil {
			return notify{}, err
		}
		err := skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			_, err := skaldsql.Once(ctx, tx, skald.IdempotencyKey(ctx), func(ctx context.Context) (string, error) {
				_, err := tx.ExecContext(ctx, `INSERT INTO grants VALUES ($1)`, skald.IdempotencyKey(ctx))
				return "vpn", err
			})
			return err
		})
		return notify{Name: in.Name}, err
	}).Compensate(func(ctx context.Context, _ authorize, _ *notify) error {
		return skaldsql.InTx(ctx, db, func(tx *sql.Tx) error {
			return skaldsql.Undo(ctx, tx, skald.IdempotencyKey(ctx), func(ctx context.Context) error {
				_, err := tx.ExecContext(ctx, `DELETE FROM grants WHERE effect = $1`, skald.IdempotencyKey(ctx))
				return err
			})
		})
	}))
}

// frozenChild is the variable that makes the test binary the process that is frozen.
const frozenChild = "SKALD_TEST_FROZEN_CHILD"

func init() { //nolint:gochecknoinits // it comes before TestMain, on systems that can freeze a process
	brokers := os.Getenv(frozenChild)
	if brokers == "" {
		return
	}
	if err := beFrozen(strings.Split(brokers, ",")); err != nil {
		fmt.Println(err)
	}
	os.Exit(0)
}

func beFrozen(brokers []string) error {
	ctx := context.Background()
	db, err := openGrants(ctx, os.Getenv("SKALD_TEST_DB"))
	if err != nil {
		return err
	}
	told := bufio.NewReader(os.Stdin)
	joined := sync.OnceFunc(func() { fmt.Println("joined") })
	cfg := skald.Config{
		Brokers: brokers, Prefix: os.Getenv("SKALD_TEST_PREFIX"), Partitions: 4, Logger: brokertest.Logger(), Instance: "frozen", Settle: -1,
		Joined: func(string) { joined() },
	}
	service := grantor(db, func(context.Context) error {
		fmt.Println("in the handler")
		_, err := told.ReadString('\n')
		return err
	})
	service.Around(func(next skald.Handler) skald.Handler {
		return func(ctx context.Context) error {
			err := next(context.WithoutCancel(ctx)) // the worst case: a handler that doesn't look whether it may go on
			if errors.Is(err, skaldsql.ErrUndone) {
				fmt.Println("undone before")
			} else {
				fmt.Println("granted")
			}
			return err
		}
	})
	return skald.Run(ctx, cfg, service)
}
