package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/skald-saga/skald/internal/console/api"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/spf13/cobra"
)

const defaultServer = "http://127.0.0.1:8080"

func newLs(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List sagas, the youngest first",
		Long: `Lists sagas, each with where it is and why. Filters have to hold together.

With --all it lists all that match, however many: as JSON Lines with --json, or as CSV with --csv, in which what a spreadsheet would run begins with an apostrophe.`,
		Example: `  skald ls --status open --older-than 10m --oldest
  skald ls --all --csv --cause 3fa9c01b77de >failed.csv
  skald ls --search tenant=acme`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			for name, value := range c.sagaFilter() {
				query.Set(name, value)
			}
			if cursor := c.settings.String("cursor"); cursor != "" {
				query.Set("cursor", cursor)
			}
			if c.settings.Bool("oldest") {
				query.Set("order", "oldest")
			}
			if c.settings.Bool("all") || c.settings.Bool("csv") {
				if cmd.Flags().Changed("limit") || query.Has("cursor") {
					return usage("--all and --csv list all that match: --limit and --cursor go without them")
				}
				return c.export(cmd.Context(), query)
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
	sagaFlags(flags)
	flags.Bool("oldest", false, "the oldest first")
	flags.Int("limit", 50, "at most so many, 1 to 1000")
	flags.Bool("all", false, "all that match, as long as it takes")
	flags.Bool("csv", false, "all that match, as CSV")
	flags.String("cursor", "", "go on where the page before ended")
	return cmd
}

// lineWidth is that of the terminal that everybody has.
const lineWidth = 80

// printSagas prints two lines for each: the second says where it is and why, as far as there is room.
func (c *terminal) printSagas(sagas []api.Saga, next string) error {
	for i := range sagas {
		if err := c.printSaga(&sagas[i]); err != nil {
			return err
		}
	}
	switch {
	case next != "":
		fmt.Fprintf(c.err, "there are more: --cursor %s\n", next)
	case len(sagas) == 0:
		fmt.Fprintln(c.err, "no saga matches")
	}
	return nil
}

func (c *terminal) printSaga(s *api.Saga) error {
	said := "  " + printable(s.Sentence)
	if s.Subject != "" {
		said = "  " + printable(s.Subject) + ": " + printable(s.Sentence)
	}
	_, err := fmt.Fprintf(c.out, "%s  %-12s  %-11s  %s\n%s\n", s.ID, s.Status, age(*s), cutTo(printable(s.Workflow), 14), cutTo(said, lineWidth))
	return err
}

// age says how old a saga is, or how old it got.
func age(s api.Saga) string {
	switch {
	case s.Started.IsZero():
		return "-"
	case s.Ended.IsZero():
		return tracker.Lasted(time.Since(s.Started))
	}
	return tracker.Lasted(s.Ended.Sub(s.Started))
}

// cutTo shortens a text to so many characters.
func cutTo(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
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
