package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald"
)

func newLeave(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "leave SERVICE SLOT...",
		Short: "Take slots that won't come back out of a service's group",
		Long: `Takes slots (skald run --slot) of any service out of its group, after its processes on them have been stopped for good: their partitions
go to the other processes at once, not only after the session timeout. Nothing is lost without it. A slot that is no member is no error.`,
		Example: `  kubectl scale statefulset authorizer --replicas 2 && skald leave authorizer 2 --brokers kafka:9092`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usage("name a service and at least one slot: skald leave authorizer 2")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := c.kafkaConfig()
			if err != nil {
				return err
			}
			service, slots := args[0], args[1:]
			absent, err := skald.Leave(cmd.Context(), cfg, service, slots...)
			if err != nil {
				return err
			}
			left := slices.DeleteFunc(slices.Clone(slots), func(slot string) bool { return slices.Contains(absent, slot) })
			for _, slot := range absent {
				fmt.Fprintf(c.err, "slot %s of %s is no member of its group\n", slot, service)
			}
			if c.json() {
				return json.NewEncoder(c.out).Encode(map[string][]string{"left": left, "absent": append([]string{}, absent...)})
			}
			for _, slot := range left {
				fmt.Fprintf(c.out, "slot %s of %s has left its group\n", slot, service)
			}
			return nil
		},
	}
	connectionFlags(cmd.Flags())
	return cmd
}
