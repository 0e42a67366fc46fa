package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/internal/console/api"
)

func newMap(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "map",
		Short: "Draw services and topics as a graph, or check that every branch comes home",
		Long: `Draws what the services declare and what the log shows, as a running console knows it.

With --check it draws nothing and fails if a branch of a workflow doesn't return to its initiator, or if events go a way that nobody
has declared: one line per finding on stdout. Remarks, such as a topic that nobody reads, go to stderr and don't fail.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.settings.Bool("check") {
				return c.checkMap(cmd)
			}
			return c.drawMap(cmd)
		},
	}
	flags := cmd.Flags()
	flags.String("server", defaultServer, "address of the console")
	flags.String("format", "mermaid", "svg, mermaid or json")
	flags.String("workflow", "", "only this workflow; in SVG: it in accent, others grey")
	flags.String("window", "5m", "what rates and times are taken over: 1m, 5m, 15m or 1h")
	flags.StringP("output", "o", "", "write to this file instead of stdout")
	flags.Bool("check", false, "fail if a branch doesn't return to its initiator")
	return cmd
}

func (c *terminal) drawMap(cmd *cobra.Command) error {
	query := url.Values{"format": {c.settings.String("format")}, "window": {c.settings.String("window")}}
	if c.json() {
		query.Set("format", "json")
	}
	if w := c.settings.String("workflow"); w != "" {
		query.Set("workflow", w)
	}
	var drawn raw
	if err := c.get(cmd.Context(), "/api/v1/map", query, &drawn); err != nil {
		return err
	}
	file := c.settings.String("output")
	if file == "" {
		_, err := c.out.Write(drawn)
		return err
	}
	if err := os.WriteFile(file, drawn, 0o644); err != nil { //nolint:gosec // a drawing is for everyone
		return fmt.Errorf("write the map: %w", err)
	}
	return nil
}

// errMap is why a check fails; its lines have been printed.
var errMap = errors.New("the map has findings")

func (c *terminal) checkMap(cmd *cobra.Command) error {
	var m api.Map
	if err := c.get(cmd.Context(), "/api/v1/map", url.Values{"window": {"1h"}}, &m); err != nil {
		return err
	}
	only, known := c.settings.String("workflow"), false
	breaks := 0
	found := []api.MapFinding{}
	for _, f := range m.Findings {
		if only != "" && f.Workflow != "" && f.Workflow != only {
			continue
		}
		found = append(found, f)
		if f.Breaks {
			breaks++
		}
	}
	for _, w := range m.Workflows {
		known = known || w.Name == only
	}
	switch {
	case len(m.Workflows) == 0:
		return errors.New("no service has declared a workflow yet: there is nothing to check")
	case only != "" && !known:
		return usage("--workflow %q: no service declares it", only)
	}
	if c.json() {
		if err := json.NewEncoder(c.out).Encode(map[string]any{"findings": found}); err != nil {
			return err
		}
	} else {
		c.printMapFindings(found)
	}
	if breaks > 0 {
		return fmt.Errorf("%w: %d", errMap, breaks)
	}
	fmt.Fprintln(c.err, "every branch returns to its initiator")
	return nil
}

func (c *terminal) printMapFindings(found []api.MapFinding) {
	for _, f := range found {
		if f.Breaks {
			fmt.Fprintf(c.out, "%s: %s\n", f.Kind, printable(f.Text))
		} else {
			fmt.Fprintf(c.err, "remark: %s: %s\n", f.Kind, printable(f.Text))
		}
	}
}
