package demo

import (
	"context"
	"database/sql"
	"fmt"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// OpenStore opens a SQLite database in memory for one service: nothing of it survives the process, as befits services whose
// broker is in memory too. The caller closes it.
//
// It has one connection, for two reasons: with SQLite each connection to ":memory:" is a database of its own, and so nobody ever sees
// SQLITE_BUSY: transactions wait for the connection, as long as their contexts let them. In turn, whoever has a transaction open
// must do everything by it: asking the database for another connection meanwhile would wait for ever. Two services share no
// store, so neither waits for the other.
func OpenStore(ctx context.Context) (*sql.DB, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, fmt.Errorf("opening a store in memory: %w", err)
	}
	// The connection is the database, so it must never be closed for being old or idle. The driver keeps it when a query is interrupted.
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	db.SetConnMaxLifetime(0)
	db.SetConnMaxIdleTime(0)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("opening a store in memory: %w", err)
	}
	return db, nil
}
