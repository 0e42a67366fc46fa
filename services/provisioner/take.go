package provisioner

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/events"
)

// take assigns a device under a key: one that came back if there is one, else a new one with the next serial.
//
// Its first statement changes the model's row, and so holds off whoever else wants this model until the transaction ends: of two
// that see the last device, one gets it, and no two see the same returned one. The serial that it draws stays unused when a
// returned device goes out instead; serials are unique, not without gaps.
func take(ctx context.Context, tx *sql.Tx, key string, user events.NewUser) (events.Device, error) {
	m := modelFor(user.Department)
	var number, returned int64
	err := tx.QueryRowContext(ctx, `
		UPDATE models SET stock = stock - 1, next_serial = next_serial + 1 WHERE model = $1 AND stock > 0
		RETURNING next_serial - 1, returned`, m.name).Scan(&number, &returned)
	if errors.Is(err, sql.ErrNoRows) {
		return events.Device{}, skald.Reject(fmt.Sprintf("no %s in stock for %s", m.name, user.Department))
	}
	if err != nil {
		return events.Device{}, err
	}
	serial := fmt.Sprintf("%s-%05d", m.prefix, number)
	if returned > 0 {
		serial, err = takeReturned(ctx, tx, m, key, user)
	} else {
		_, err = tx.ExecContext(ctx, `INSERT INTO devices (serial, model, assignment, email) VALUES ($1, $2, $3, $4)`,
			serial, m.name, key, user.Email)
	}
	return events.Device{Type: m.kind, Serial: serial, Model: m.name}, err
}

func takeReturned(ctx context.Context, tx *sql.Tx, m model, key string, user events.NewUser) (serial string, err error) {
	if _, err := tx.ExecContext(ctx, `UPDATE models SET returned = returned - 1 WHERE model = $1`, m.name); err != nil {
		return "", err
	}
	err = tx.QueryRowContext(ctx, `
		UPDATE devices SET assignment = $1, email = $2
		WHERE serial = (SELECT serial FROM devices WHERE model = $3 AND assignment IS NULL LIMIT 1)
		RETURNING serial`, key, user.Email, m.name).Scan(&serial)
	return serial, err
}

// giveBack puts the device that was assigned under a key back into stock. It touches the model's row first, as take does, so that
// the two can't wait for each other.
func giveBack(ctx context.Context, tx *sql.Tx, key string) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE models SET stock = stock + 1, returned = returned + 1
		WHERE model = (SELECT model FROM devices WHERE assignment = $1)`, key)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE devices SET assignment = NULL, email = NULL WHERE assignment = $1`, key)
	return err
}
