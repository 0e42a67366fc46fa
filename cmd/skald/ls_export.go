package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/skald-saga/skald/internal/console/api"
)

// export prints all sagas that match as they come.
func (c *terminal) export(ctx context.Context, query url.Values) error {
	const path = "/api/v1/sagas/export"
	into := &stream{func(body io.Reader) error { return c.printExported(body) }}
	if c.settings.Bool("csv") || c.json() {
		into.read = func(body io.Reader) error {
			_, err := io.Copy(c.out, body)
			return err
		}
	}
	query.Set("format", "jsonl")
	if c.settings.Bool("csv") {
		if c.json() {
			return usage("give either --csv or --json, not both")
		}
		query.Set("format", "csv")
	}
	return c.call(ctx, http.MethodGet, path, query, nil, into)
}

func (c *terminal) printExported(body io.Reader) error {
	decoder := json.NewDecoder(body)
	for n := 0; ; n++ {
		var s api.Saga
		switch err := decoder.Decode(&s); {
		case errors.Is(err, io.EOF) && n == 0:
			fmt.Fprintln(c.err, "no saga matches")
			return nil
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := c.printSaga(&s); err != nil {
			return err
		}
	}
}

// stream is an answer that is read as it comes.
type stream struct{ read func(io.Reader) error }
