package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/skald-saga/skald/internal/console/api"
	"github.com/spf13/cobra"
)

const defaultServer = "http://127.0.0.1:8080"

func newLs(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List sagas, the youngest first",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			for _, name := range []string{"workflow", "status", "cursor"} {
				if v := c.settings.String(name); v != "" {
					query.Set(name, v)
				}
			}
			if search := c.settings.String("search"); search != "" {
				query.Set("q", search)
			}
			query.Set("limit", strconv.Itoa(c.settings.Int("limit")))
			var page struct {
				Sagas []api.Saga `json:"sagas"`
				Next  string     `json:"next,omitempty"`
			}
			if err := c.get(cmd.Context(), "/api/v1/sagas", query, &page); err != nil {
				return err
			}
			if c.json() {
				return json.NewEncoder(c.out).Encode(page)
			}
			return c.printSagas(page.Sagas, page.Next)
		},
	}
	flags := cmd.Flags()
	serverFlags(flags)
	flags.String("workflow", "", "only sagas of this workflow")
	flags.String("status", "", "only sagas with this status: running, halted, completed, …")
	flags.String("search", "", "only sagas whose business key contains this, or the one with this ID")
	flags.Int("limit", 50, "at most so many, 1 to 1000")
	flags.String("cursor", "", "go on where the page before ended")
	return cmd
}

func (c *terminal) printSagas(sagas []api.Saga, next string) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tWORKFLOW\tSTATUS\tSTARTED\tTOOK\tSUBJECT")
	for _, s := range sagas {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Workflow, s.Status, clock(s.Started), took(s.Started, s.Ended), printable(s.Subject))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if next != "" {
		fmt.Fprintf(c.err, "there are more: --cursor %s\n", next)
	}
	return nil
}

// took is the time from began to ended, or to now for what goes on.
func took(began, ended time.Time) string {
	switch {
	case began.IsZero():
		return "-"
	case ended.IsZero():
		return fmt.Sprintf("%.1f s so far", time.Since(began).Seconds())
	}
	return fmt.Sprintf("%.2f s", ended.Sub(began).Seconds())
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.TimeOnly)
}

// printable quotes what would move a terminal's cursor.
func printable(s string) string {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return strconv.Quote(s)
		}
	}
	return s
}
