package skaldsql_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/skald-saga/skald/skaldsql"
)

// Any sequence of attempts, repeats, undos, failures and rollbacks leaves what a simple model says: invariant I3.
func TestAnySequenceKeepsOneEffectPerKey(t *testing.T) {
	db := openMemory(t)
	rapid.Check(t, func(r *rapid.T) {
		ctx := context.Background()
		for _, table := range []string{"skald_effects", "deeds"} {
			if _, err := db.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				r.Fatal(err)
			}
		}
		model := map[string]*fate{"a": {}, "b": {}}
		doer := 0
		key := rapid.SampledFrom([]string{"a", "b"})
		fails := rapid.SampledFrom([]error{nil, nil, errors.New("fails in fn"), errRollback})
		r.Repeat(map[string]func(*rapid.T){
			"once": func(r *rapid.T) {
				doer++
				key := key.Draw(r, "key")
				model[key].once(r, db, key, doer, fails.Draw(r, "failure"))
			},
			"undo": func(r *rapid.T) {
				key := key.Draw(r, "key")
				model[key].undo(r, db, key, fails.Draw(r, "failure"))
			},
			"": func(r *rapid.T) {
				for key, want := range model {
					if got := deedOf(r, db, key); got != want.doneBy {
						r.Fatalf("key %s: done by %d, the model says %d", key, got, want.doneBy)
					}
				}
			},
		})
	})
}

var errRollback = errors.New("fails after Once or Undo")

// fate is the model of a key.
type fate struct {
	doneBy int // 0: by nobody
	undone bool
}

func (f *fate) once(r *rapid.T, db *sql.DB, key string, doer int, failure error) {
	ran, got := false, 0
	err := skaldsql.InTx(context.Background(), db, func(tx *sql.Tx) (err error) {
		got, err = skaldsql.Once(context.Background(), tx, key, func(ctx context.Context) (int, error) {
			ran = true
			if _, err := tx.ExecContext(ctx, `INSERT INTO deeds (effect_key, doer) VALUES ($1, $2)`, key, doer); err != nil {
				return 0, err
			}
			return doer, failureInside(failure)
		})
		return errors.Join(err, failureOutside(failure))
	})
	fresh := f.doneBy == 0 && !f.undone
	if ran != fresh {
		r.Fatalf("fn ran: %t, want %t", ran, fresh)
	}
	switch {
	case f.undone:
		if !errors.Is(err, skaldsql.ErrUndone) {
			r.Fatalf("error %v, want ErrUndone", err)
		}
	case fresh && failure == nil:
		f.doneBy = doer
		fallthrough
	case !fresh && !errors.Is(failure, errRollback):
		if err != nil || got != f.doneBy {
			r.Fatalf("result %d, %v; want %d", got, err, f.doneBy)
		}
	default:
		if !errors.Is(err, failure) {
			r.Fatalf("error %v, want %v", err, failure)
		}
	}
}

func (f *fate) undo(r *rapid.T, db *sql.DB, key string, failure error) {
	ran := false
	err := skaldsql.InTx(context.Background(), db, func(tx *sql.Tx) error {
		err := skaldsql.Undo(context.Background(), tx, key, func(ctx context.Context) error {
			ran = true
			if _, err := tx.ExecContext(ctx, `DELETE FROM deeds WHERE effect_key = $1`, key); err != nil {
				return err
			}
			return failureInside(failure)
		})
		return errors.Join(err, failureOutside(failure))
	})
	if stood := f.doneBy != 0; ran != stood {
		r.Fatalf("fn ran: %t, want %t", ran, stood)
	}
	if failure == nil || (!ran && !errors.Is(failure, errRollback)) {
		f.doneBy, f.undone = 0, true
		if err != nil {
			r.Fatal(err)
		}
		return
	}
	if !errors.Is(err, failure) {
		r.Fatalf("error %v, want %v", err, failure)
	}
}

func failureInside(failure error) error {
	if errors.Is(failure, errRollback) {
		return nil
	}
	return failure
}

func failureOutside(failure error) error {
	if errors.Is(failure, errRollback) {
		return failure
	}
	return nil
}

// deedOf says who did the effect that stands; more than one is -1.
func deedOf(r *rapid.T, db *sql.DB, key string) int {
	var n, doer int
	err := db.QueryRow(`SELECT count(*), coalesce(max(doer), 0) FROM deeds WHERE effect_key = $1`, key).Scan(&n, &doer)
	if err != nil {
		r.Fatal(err)
	}
	if n > 1 {
		return -1
	}
	return doer
}
