package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/bench"
)

func newBench(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure Skald beside a bare franz-go chain",
		Long: `Runs the onboarding chain in turns: by Skald, and by bare franz-go exactly-once loops with the same hops, handlers, payload,
partitions and broker, once tuned and once as franz-go documents the loop. Services, load generator and broker are processes
of their own. Lists are crossed: each broker with each partition count, process count and load.

It prints a table, and ends with exit code 1 when a saga was lost or doubled, whoever lost it. Only brokers on this machine
are measured; "apache" needs Linux, Java 17 and Maven. What it takes: 3 contestants x rounds x loads x about 5-15 s.`,
		Example: `  skald bench
  skald bench --broker apache,embedded --rounds 5 --sagas 20000 --svg bench.svg --json bench.json
  skald bench --broker apache --contestants skald,tracked --outstanding 256 --rate 1000
  skald bench --broker apache --partitions 1,2,4 --processes 1,2 --outstanding 4096 --rate 0`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.bench(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.String("broker", bench.Embedded, "embedded, apache or host:port; several separated by commas")
	flags.String("contestants", "skald,tuned,documented", "who takes part; tracked is Skald with a tracker beside it")
	flags.String("outstanding", "256,4096", "closed loops: sagas under way at a time; \"\" for none")
	flags.Int("rate", 100, "open loop: sagas begun per second, at random moments; 0 for none")
	flags.String("partitions", "4", "partitions of every topic")
	flags.String("processes", "1", "processes per contestant, each with all three services")
	flags.Int("rounds", 3, "turns of each contestant per load")
	flags.Int("sagas", 10_000, "sagas measured per turn of a closed loop, after a warm-up")
	flags.Duration("duration", bench.DefaultDuration, "time measured per turn of the open loop, after a warm-up")
	flags.String("svg", "", "file for a chart")
	flags.String("json", "", "file for all figures of all rounds, - for stdout")
	flags.String("profile", "", "folder for profiles of the services: CPU time and allocations (go tool pprof reads them)")
	return cmd
}

func (c *terminal) bench(ctx context.Context) error {
	cfg, err := c.benchConfig()
	if err != nil {
		return err
	}
	if err := cfg.Check(); err != nil {
		return usage("%w", err)
	}
	line := &benchLine{terminal: c}
	cfg.Progress = line.show
	report, err := bench.Run(ctx, cfg)
	line.clear()
	if report == nil || len(report.Results) == 0 {
		return err
	}
	return errors.Join(err, c.writeBench(report), report.Err())
}

func (c *terminal) benchConfig() (cfg bench.Config, err error) {
	self, err := os.Executable()
	if err != nil {
		return cfg, fmt.Errorf("find this binary, to start it as a worker: %w", err)
	}
	cfg = bench.Config{
		Brokers: list(c.settings.String("broker")),
		Rate:    c.settings.Int("rate"), Rounds: c.settings.Int("rounds"), Sagas: c.settings.Int("sagas"),
		Duration: c.settings.Duration("duration"), Profile: c.settings.String("profile"),
		Worker: []string{self, benchWorkerName},
	}
	for _, name := range list(c.settings.String("contestants")) {
		cfg.Contestants = append(cfg.Contestants, bench.Contestant(name))
	}
	for name, field := range map[string]*[]int{
		"outstanding": &cfg.Outstanding, "partitions": &cfg.Partitions, "processes": &cfg.Processes,
	} {
		for _, item := range list(c.settings.String(name)) {
			n, err := strconv.Atoi(item)
			if err != nil {
				return cfg, usage("--%s %q: whole numbers are wanted, separated by commas", name, c.settings.String(name))
			}
			*field = append(*field, n)
		}
	}
	return cfg, nil
}

// list gives what commas separate; nothing for nothing.
func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// writeBench writes the table to stdout, unless the figures go there.
func (c *terminal) writeBench(report *bench.Report) error {
	table := c.out
	file := c.settings.String("json")
	if file == "-" {
		table = c.err
	}
	errs := []error{report.WriteTable(table)}
	switch file {
	case "":
	case "-":
		errs = append(errs, report.WriteJSON(c.out))
	default:
		errs = append(errs, writeFile(file, report.WriteJSON))
	}
	if file := c.settings.String("svg"); file != "" {
		errs = append(errs, writeFile(file, report.WriteSVG))
	}
	return errors.Join(errs...)
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
