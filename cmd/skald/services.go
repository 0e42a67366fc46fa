package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/internal/console/api"
)

func newServices(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "services",
		Short: "List services and their instances, as they report themselves",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var known struct {
				Services []api.Service `json:"services"`
			}
			if err := c.get(cmd.Context(), "/api/v1/services", nil, &known); err != nil {
				return err
			}
			if c.json() {
				return json.NewEncoder(c.out).Encode(known)
			}
			return c.printServices(known.Services)
		},
	}
	serverFlags(cmd.Flags())
	return cmd
}

func (c *terminal) printServices(services []api.Service) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tSTATE\tFOR\tPARTITIONS\tLAG\tIN HAND\tRATE\tVERSION")
	for _, s := range services {
		fmt.Fprintf(w, "%s\t%s\t\t%d\t%s\t%d\t%.1f/s\t%s\n", printable(s.Name), s.State, s.Partitions, knownLag(s.Lag), s.InHand, s.Rate,
			printable(strings.Join(s.Versions, ", ")))
		for _, i := range s.Instances {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%d\t%s\t%d\t%.1f/s\t%s\n", printable(i.Name), i.State, lasting(i.Since), len(i.Partitions), knownLag(i.Lag), i.InHand, i.Rate,
				printable(i.Version))
		}
	}
	if len(services) == 0 {
		fmt.Fprintln(c.err, "no service has reported itself yet")
	}
	return w.Flush()
}

func knownLag(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}

// lasting is how long something has been so, to the unit that counts.
func lasting(since time.Time) string {
	if since.IsZero() {
		return "-"
	}
	return time.Since(since).Truncate(time.Second).String()
}
