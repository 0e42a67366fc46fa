package main

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/skald-saga/skald/skaldsql"
)

// Instances of a service that share a folder may all be the first to open its file.
func TestManyOpenAFreshFile(t *testing.T) {
	folder := t.TempDir()
	for n := range 20 {
		var all errgroup.Group
		for range 8 {
			all.Go(func() error {
				db, err := openSQLite(t.Context(), folder, fmt.Sprint("service", n))
				if err != nil {
					return err
				}
				return errors.Join(skaldsql.Migrate(t.Context(), db), db.Close())
			})
		}
		if err := all.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}
