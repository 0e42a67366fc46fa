package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/demo"
)

func newRun(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run SERVICE...",
		Short: "Run services, each as it would run in production",
		Long: `Runs one or more of the shipped services (provisioner, authorizer, notifier) against Kafka. Several processes may run the same
service: they share its partitions. It waits for a broker that isn't there, and creates missing topics.`,
		Example: `  skald run provisioner --brokers kafka:9092 --data /var/lib/skald
  skald run notifier --smtp-addr mail:25 --metrics-addr 127.0.0.1:9100`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("name at least one service: %s", strings.Join(serviceNames, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	kafkaFlags(flags)
	flags.Bool("allow-old-transactions", false, "run on a cluster whose transaction.version is below 2, where exactly-once doesn't hold")
	flags.String("instance", "", "name of this process in the registry (default: host name and process ID)")
	flags.String("slot", "", "this process's place among those of the service, kept over restarts; auto: a StatefulSet's ordinal (default: none)")
	flags.Duration("session-timeout", skald.DefaultSessionTimeout, "how long brokers may hear nothing before others get the partitions; with a slot, longer than a restart")
	flags.String("data", "skald-data", "folder of the services' SQLite files; several instances of a service on one machine share one")
	flags.String("smtp-addr", "127.0.0.1:2525", "mail server of the notifier")
	flags.String("policies", "", "Cedar file of the authorizer, read again when it changes (default: built in)")
	flags.Int64("stock", -1, "set the devices of each model in stock (default: leave it)")
	flags.String("metrics-addr", "", "serve Prometheus metrics at this loopback address (default: don't)")
	flags.Duration("drain", skald.DefaultDrainTimeout, "how long running handlers may go on after a signal")
	flags.String("lag", "0s..0s", "demo: how long each step takes, drawn evenly from this range")
	flags.String("chaos", "", "demo: how often a service fails, e.g. authorizer=0.2")
	return cmd
}

func (c *terminal) run(ctx context.Context, names []string) error {
	cfg, err := c.kafkaConfig()
	if err != nil {
		return err
	}
	lag, err := demo.ParseRange(c.settings.String("lag"))
	if err != nil {
		return usage("--lag: %w", err)
	}
	chaos, err := demo.ParseChaos(c.settings.String("chaos"), serviceNames...)
	if err != nil {
		return usage("--chaos: %w", err)
	}
	cfg.DrainTimeout, cfg.Slot, cfg.SessionTimeout = c.settings.Duration("drain"), c.settings.String("slot"), c.settings.Duration("session-timeout")
	folder := c.settings.String("data")
	p := &parts{
		store:    func(ctx context.Context, service string) (*sql.DB, error) { return openSQLite(ctx, folder, service) },
		policies: c.settings.String("policies"), smtp: c.settings.String("smtp-addr"), stock: c.settings.Int64("stock"), logger: cfg.Logger,
	}
	defer p.close()
	faults := demo.NewFaults(lag, chaos, newRandom())
	var services []*skald.Service
	for _, name := range names {
		s, err := p.service(ctx, name)
		if err != nil {
			return err
		}
		services = append(services, s.Around(faults.Around(name)))
	}
	stop, err := c.serveMetrics(&cfg)
	if err != nil {
		return err
	}
	defer stop()
	cfg.Joined = func(service string) { fmt.Fprintf(c.err, "%s has joined its group\n", service) }
	fmt.Fprintf(c.err, "running %s against %s\n", strings.Join(names, ", "), strings.Join(cfg.Brokers, ", "))
	return skald.Run(ctx, cfg, services...)
}

// serveMetrics answers /metrics if that was asked for. The caller stops it.
func (c *terminal) serveMetrics(cfg *skald.Config) (stop func(), err error) {
	addr := c.settings.String("metrics-addr")
	if addr == "" {
		return func() {}, nil
	}
	if err := loopback(addr, "--metrics-addr"); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, portError("the metrics endpoint", addr, "--metrics-addr", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	cfg.Metrics = registry
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cfg.Logger.Error("serving metrics ended", "error", err)
		}
	}()
	return func() {
		_ = server.Close() // nothing is lost with a scrape
		<-served
	}, nil
}
