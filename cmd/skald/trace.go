package main

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/internal/console/api"
)

func newTrace(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show where a saga has been and where it is",
		Long: `Shows a saga's time, a line for each step and for each attempt that failed: '.' its event waits for the service, '=' the handler runs, 'x' an
attempt failed, '-' it waits to go on, '<' it is undone.

With --follow it goes on until the saga ends: on a terminal the picture is drawn anew, elsewhere a line is added for all that happens.
With --json it prints the saga, and with --follow one line for each change.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("give the ID of one saga: skald ls prints them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			t := tracing{terminal: c, path: "/api/v1/sagas/" + url.PathEscape(args[0])}
			if c.settings.Bool("follow") {
				return t.follow(cmd.Context())
			}
			seen, err := t.look(cmd.Context())
			if err != nil {
				return err
			}
			if c.json() {
				return json.NewEncoder(c.out).Encode(seen.saga)
			}
			return seen.print(c.out)
		},
	}
	serverFlags(cmd.Flags())
	cmd.Flags().Bool("follow", false, "go on until the saga ends")
	return cmd
}

// tracing asks for one saga, again and again.
type tracing struct {
	*terminal

	path string
}

// traced is a saga with the attempts that failed.
type traced struct {
	saga   api.Saga
	failed []failedAttempt
}

// look asks for the saga. What it prints as JSON needs no attempts.
func (t *tracing) look(ctx context.Context) (*traced, error) {
	seen := &traced{}
	if err := t.get(ctx, t.path, nil, &seen.saga); err != nil || t.json() {
		return seen, err
	}
	cursor := ""
	for range 100 { // 100,000 records
		query := url.Values{"limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var page struct {
			Events []api.Event `json:"events"`
			Next   string      `json:"next"`
		}
		if err := t.get(ctx, t.path+"/events", query, &page); err != nil {
			return nil, err
		}
		for i := range page.Events {
			if a, ok := failedIn(&page.Events[i]); ok {
				seen.failed = append(seen.failed, a)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return seen, nil
}
