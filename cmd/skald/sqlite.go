package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// openSQLite opens the file of one service, which its other instances on this machine may share. Its transactions take the write lock when
// they begin: one that read first and wants to write then would fail where it now waits.
func openSQLite(ctx context.Context, folder, service string) (*sql.DB, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	query := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, service+".db")+"?"+query.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := connect(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// connect makes the first connection. Where several turn a fresh file into one with a write-ahead log, all but one are told at once that
// it's locked: SQLite asks no busy handler there, as it might wait for ever. So this is where the waiting is done.
func connect(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if locked, ok := errors.AsType[*sqlite.Error](err); !ok || locked.Code()&0xff != sqlite3.SQLITE_BUSY {
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}
