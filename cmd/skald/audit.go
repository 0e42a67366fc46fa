package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/internal/console/api"
)

func newAudit(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "List what was asked for through the console, the newest first",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{"limit": {strconv.Itoa(c.settings.Int("limit"))}}
			if cursor := c.settings.String("cursor"); cursor != "" {
				query.Set("cursor", cursor)
			}
			var page struct {
				Entries []api.AuditEntry `json:"entries"`
				Next    string           `json:"next,omitempty"`
			}
			if err := c.get(cmd.Context(), "/api/v1/audit", query, &page); err != nil {
				return err
			}
			if c.json() {
				return json.NewEncoder(c.out).Encode(page)
			}
			w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "TIME\tWHO\tACTION\tABOUT\tSTATUS\tANSWER")
			for _, e := range page.Entries {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", e.Time.Local().Format(time.DateTime), printable(e.Who), printable(e.Action), printable(e.About), e.Status, printable(e.Answer))
			}
			if err := w.Flush(); err != nil {
				return err
			}
			if page.Next != "" {
				fmt.Fprintf(c.err, "there are more: --cursor %s\n", page.Next)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	serverFlags(flags)
	flags.Int("limit", 50, "at most so many, 1 to 1000")
	flags.String("cursor", "", "go on where the page before ended")
	return cmd
}
