package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/services/authorizer"
	"github.com/skald-saga/skald/services/notifier"
	"github.com/skald-saga/skald/services/provisioner"
)

func newTopics(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "topics [SERVICE...]",
		Short: "Print the commands by which an administrator creates the topics",
		Long: `Prints a command per topic that the shipped services need (or those that are named), for clusters on which services may not
create topics themselves. Topics that exist already are left alone. Replication is the cluster's default. It connects to
nothing; where TLS or a login is set, the commands name a file admin.properties with the administrator's own.

With --json it prints names, partition counts and settings.`,
		Example: `  skald topics --brokers kafka:9092 --partitions 24 | sh
  skald topics --json --prefix team-a.`,
		RunE: func(_ *cobra.Command, args []string) error { return c.topics(args) },
	}
	kafkaFlags(cmd.Flags())
	return cmd
}

func (c *terminal) topics(names []string) error {
	conn, err := c.connection()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = serviceNames
	}
	specs, err := c.topicsOf(names)
	if err != nil {
		return err
	}
	if c.json() {
		return json.NewEncoder(c.out).Encode(specs)
	}
	for _, command := range conn.TopicCommands(wanted(specs)) {
		if _, err := fmt.Fprintln(c.out, command); err != nil {
			return err
		}
	}
	return nil
}

// topicsOf gives the topics of shipped services.
func (c *terminal) topicsOf(names []string) ([]skald.TopicSpec, error) {
	cfg, err := c.kafkaConfig()
	if err != nil {
		return nil, err
	}
	var services []*skald.Service
	for _, name := range names {
		s, ok := declarations[name]
		if !ok {
			return nil, usage("there is no service %q; known: %v", name, serviceNames)
		}
		services = append(services, s)
	}
	return skald.Topics(cfg, services...)
}

// declarations are the shipped services without what they work with: they can't run.
var declarations = map[string]*skald.Service{
	"provisioner": provisioner.Service(nil), "authorizer": authorizer.Service(nil, nil), "notifier": notifier.Service(nil),
}

func wanted(specs []skald.TopicSpec) []kafka.TopicSpec {
	all := make([]kafka.TopicSpec, 0, len(specs))
	for _, spec := range specs {
		all = append(all, kafka.TopicSpec(spec))
	}
	return all
}
