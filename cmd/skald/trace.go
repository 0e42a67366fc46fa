package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/internal/console/api"
)

func newTrace(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trace ID",
		Short: "Show where a saga has been and where it is",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("give the ID of one saga: skald ls prints them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var saga api.Saga
			if err := c.get(cmd.Context(), "/api/v1/sagas/"+url.PathEscape(args[0]), nil, &saga); err != nil {
				return err
			}
			if c.json() {
				return json.NewEncoder(c.out).Encode(saga)
			}
			return c.printTrace(saga)
		},
	}
	serverFlags(cmd.Flags())
	return cmd
}

func (c *terminal) printTrace(s api.Saga) error {
	fmt.Fprintf(c.out, "%s %s: %s\n", s.Workflow, printable(s.Subject), s.Status)
	fmt.Fprintf(c.out, "%s, started %s, %s\n", s.ID, clock(s.Started), took(s.Started, s.Ended))
	if s.Sentence != "" {
		fmt.Fprintln(c.out, printable(s.Sentence))
	}
	if s.Reason != "" && !strings.Contains(s.Sentence, s.Reason) {
		fmt.Fprintf(c.out, "because: %s\n", printable(s.Reason))
	}
	fmt.Fprintln(c.out)
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOP\tTOPIC\tSERVICE\tSTATE\tQUEUED FOR\tRAN FOR\t")
	for _, step := range s.Steps {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", step.Hop, step.Topic, step.Service, stateOf(step),
			between(step.Queued, step.Started), took(step.Started, step.Finished), bar(s, step))
	}
	return w.Flush()
}

// stateOf is a step's state, with what one needs to deal with it.
func stateOf(step api.Step) string {
	state := step.State
	switch {
	case step.Letter != nil:
		state += fmt.Sprintf(" %d/%d", step.Letter.Partition, step.Letter.Offset)
	case step.State == "retrying" && step.Attempts > 0:
		state += fmt.Sprintf(" %d of %d", step.Attempt, step.Attempts)
	}
	if step.Undo {
		state = "undo " + state
	}
	return state
}

func between(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%.3f s", max(0, to.Sub(from)).Seconds())
}

// bar draws a step's place in the saga's time: '.' while its event waits, '=' while its handler runs.
func bar(s api.Saga, step api.Step) string {
	const width = 24
	end := s.Ended
	if end.IsZero() {
		end = time.Now()
	}
	total := end.Sub(s.Started)
	if total <= 0 || step.Queued.IsZero() {
		return ""
	}
	column := func(t time.Time) int {
		if t.IsZero() {
			t = end
		}
		return min(width, max(0, int(width*t.Sub(s.Started)/total)))
	}
	queued, started, finished := column(step.Queued), column(step.Started), column(step.Finished)
	started = max(started, queued)
	finished = max(finished, started)
	return strings.Repeat(" ", queued) + strings.Repeat(".", started-queued) + strings.Repeat("=", max(1, finished-started))
}
