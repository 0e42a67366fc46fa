package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/internal/kafka/embedded"
)

func newBroker(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "broker",
		Short: "Run the embedded broker alone",
		Long: `Runs the embedded Kafka-protocol broker, in memory, for a laptop and for tests: nothing survives a restart. Production is Apache
Kafka.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			addr := c.settings.String("kafka-addr")
			if err := loopback(addr, "--kafka-addr"); err != nil {
				return err
			}
			logger, err := c.logger()
			if err != nil {
				return err
			}
			broker, err := embedded.Start(embedded.Config{Addr: addr, Logger: logger, Partitions: upPartitions, Keep: upKeep})
			if err != nil {
				return portError("the embedded broker", addr, "--kafka-addr", err)
			}
			fmt.Fprintf(c.out, "embedded broker at %s, in memory: nothing survives a restart\n", broker.Addr())
			<-cmd.Context().Done()
			return broker.Close()
		},
	}
	cmd.Flags().String("kafka-addr", embedded.DefaultAddr, "address of the broker (port 0 takes a free one)")
	return cmd
}
