package main

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/bench"
)

const benchWorkerName = "bench-worker"

// newBenchWorker is what skald bench starts: a broker, a contestant's services or a load generator in a process of its own.
func newBenchWorker(c *terminal) *cobra.Command {
	return &cobra.Command{
		Use:    benchWorkerName,
		Short:  "A process of skald bench, which starts it",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := c.logger()
			if err != nil {
				return err
			}
			slog.SetDefault(logger)
			return bench.Main(cmd.Context(), c.in, c.out)
		},
	}
}
