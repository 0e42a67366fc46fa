package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newDlqStatus(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how far redrives and discards of causes are",
		Long:  "Shows the last redrive or discard of each cause since the console was started, those that began last first.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all struct {
				Redrives []causeRun `json:"redrives"`
			}
			if err := c.get(cmd.Context(), "/api/v1/redrives", nil, &all); err != nil {
				return err
			}
			if c.json() {
				return json.NewEncoder(c.out).Encode(all)
			}
			if len(all.Redrives) == 0 {
				fmt.Fprintln(c.err, "no cause was redriven or discarded since the console was started")
			}
			for i := range all.Redrives {
				if err := c.printRun(&all.Redrives[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().String("server", defaultServer, "address of the console")
	return cmd
}

// newDlqChange is pause, resume or stop.
func newDlqChange(c *terminal, verb, short string) *cobra.Command {
	cmd := &cobra.Command{
		Use: verb + " CAUSE", Short: short,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("name one cause, like 3fa9c01b77de: skald dlq status prints those that are being redriven")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.changeRun(cmd.Context(), args[0], verb) },
	}
	cmd.Flags().String("server", defaultServer, "address of the console")
	return cmd
}

func (c *terminal) changeRun(ctx context.Context, cause, verb string) error {
	var state causeRun
	if err := c.post(ctx, apiTimeout, causePath(cause)+"/redrive/"+verb, nil, &state); err != nil {
		return err
	}
	if c.json() {
		return json.NewEncoder(c.out).Encode(state)
	}
	return c.printRun(&state)
}

func (c *terminal) printRun(s *causeRun) error {
	taken, ended := "redelivered", "not completed"
	if s.Kind == "discard" {
		taken, ended = "discarded", "ended"
	}
	lines := []string{
		fmt.Sprintf("%s %s %s", s.Cause, s.Kind, s.Phase),
		fmt.Sprintf("  requested %d of %d, %s %d, refused %d, unanswered %d", s.Requested, s.Letters, taken, s.Accepted, s.Refused, s.Unanswered),
		fmt.Sprintf("  completed %d, halted again %d, %s %d", s.Completed, s.Again, ended, s.Other),
	}
	if s.Why != "" {
		lines = append(lines, "  "+printable(s.Why))
	}
	_, err := fmt.Fprintln(c.out, strings.Join(lines, "\n"))
	return err
}
