package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/kafka/embedded"
	"github.com/skald-saga/skald/internal/mailbox"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/provisioner"
)

const (
	upPartitions    = 4
	upKeep          = 50_000 // records of each partition: the tracker must have read them by then
	shutdownTimeout = 5 * time.Second
)

func newUp(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run everything on this machine: broker, services, tracker, console",
		Long: `Runs the onboarding demo in one process: an embedded Kafka-protocol broker, the services provisioner, authorizer and notifier, a
mailbox, the tracker and the console. Everything is in memory: nothing survives a restart. Production is Apache Kafka.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.up(cmd.Context()) },
	}
	flags := cmd.Flags()
	consoleFlags(flags)
	flags.String("kafka-addr", embedded.DefaultAddr, "address of the embedded broker (port 0 takes a free one)")
	addMaxStreams(flags)
	flags.String("lag", "0s..3s", "how long each step takes, drawn evenly from this range")
	flags.String("chaos", "", "how often a service fails, e.g. authorizer=0.2,notifier=0.1")
	flags.String("policies", "", "Cedar file of the authorizer, read again when it changes (default: built in)")
	flags.Int64("stock", provisioner.DefaultStock, "devices of each model in stock")
	return cmd
}

// up is the composition of the demo.
func (c *terminal) up(ctx context.Context) error {
	settings, err := c.upSettings()
	if err != nil {
		return err
	}
	// The console's port is taken first: it tells a second skald up apart before anything else is started.
	listener, err := net.Listen("tcp", settings.door.addr)
	if err != nil {
		return portError("the console", settings.door.addr, "--addr", err)
	}
	defer listener.Close()
	broker, err := embedded.Start(embedded.Config{Addr: settings.kafkaAddr, Logger: settings.logger, Partitions: upPartitions, Keep: upKeep})
	if err != nil {
		return portError("the embedded broker", settings.kafkaAddr, "--kafka-addr", err)
	}
	defer broker.Close()
	d, err := newDemo(ctx, settings, broker.Addr())
	if err != nil {
		return err
	}
	defer d.close()
	return d.serve(ctx, listener, c)
}

type upSettings struct {
	door                door
	kafkaAddr, policies string
	lag                 demo.Range
	chaos               map[string]float64
	stock               int64
	streams             int // that the console allows
	logger              *slog.Logger
}

func (c *terminal) upSettings() (s upSettings, err error) {
	s.kafkaAddr = c.settings.String("kafka-addr")
	s.policies, s.stock = c.settings.String("policies"), c.settings.Int64("stock")
	if s.lag, err = demo.ParseRange(c.settings.String("lag")); err != nil {
		return s, usage("--lag: %w", err)
	}
	if s.chaos, err = demo.ParseChaos(c.settings.String("chaos"), serviceNames...); err != nil {
		return s, usage("--chaos: %w", err)
	}
	if s.stock < 0 {
		return s, usage("--stock %d: it can't be negative", s.stock)
	}
	if s.streams, err = c.maxStreams(); err != nil {
		return s, err
	}
	if s.door, err = c.door(); err != nil {
		return s, err
	}
	if err := loopback(s.kafkaAddr, "--kafka-addr"); err != nil {
		return s, err
	}
	s.logger, err = c.logger()
	return s, err
}

func portError(what, addr, flag string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s can't listen on %s: the port is taken, perhaps by another skald up. Choose another with %s 127.0.0.1:0", what, addr, flag)
	}
	return fmt.Errorf("%s can't listen on %s (%s): %w", what, addr, flag, err)
}

// demonstration is what skald up runs beside broker and HTTP server.
type demonstration struct {
	settings upSettings
	broker   string
	faults   *demo.Faults
	board    *switchboard
	mails    *mailbox.Mailbox
	client   *skald.Client
	tracker  *tracker.Tracker
	registry *prometheus.Registry
	closers  []func()
}

func (d *demonstration) close() {
	for _, c := range slices.Backward(d.closers) {
		c()
	}
}

func newDemo(ctx context.Context, s upSettings, broker string) (_ *demonstration, err error) {
	d := &demonstration{settings: s, broker: broker, registry: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	d.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	cfg := skald.Config{
		Brokers: []string{broker}, Partitions: upPartitions, Settle: -1, Logger: s.logger, Metrics: d.registry,
	}
	services, err := d.services(ctx)
	if err != nil {
		return nil, err
	}
	if err := skald.Check(services...); err != nil {
		return nil, err
	}
	d.board = newSwitchboard(cfg, services...)
	if d.client, err = skald.NewClient(cfg); err != nil {
		return nil, err
	}
	d.closers = append(d.closers, d.client.Close)
	rows, err := store.Open(ctx, "")
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, func() { _ = rows.Close() }) // in memory: there is nothing to lose
	d.tracker = tracker.New(tracker.Config{Connection: kafka.Connection{Brokers: cfg.Brokers}, Store: rows, Logger: s.logger, Metrics: d.registry})
	return d, nil
}

// services makes the three services with their real parts, each with a store of its own, and the demo's faults around them.
func (d *demonstration) services(ctx context.Context) ([]*skald.Service, error) {
	var err error
	if d.mails, err = mailbox.Start(mailbox.Config{Logger: d.settings.logger}); err != nil {
		return nil, fmt.Errorf("the mailbox: %w", err)
	}
	d.closers = append(d.closers, func() { _ = d.mails.Close() }) // in memory: there is nothing to lose
	p := &parts{
		store:    func(ctx context.Context, _ string) (*sql.DB, error) { return demo.OpenStore(ctx) },
		policies: d.settings.policies, smtp: d.mails.Addr(), stock: d.settings.stock, logger: d.settings.logger,
	}
	d.closers = append(d.closers, p.close)
	d.faults = demo.NewFaults(d.settings.lag, d.settings.chaos, newRandom())
	var all []*skald.Service
	for _, name := range serviceNames {
		s, err := p.service(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, s.Around(d.faults.Around(name)))
	}
	return all, nil
}

// serve runs until ctx ends or something fails. Services drain first, as long as everything that they need is there.
func (d *demonstration) serve(ctx context.Context, listener net.Listener, c *terminal) error {
	handler := console.New(console.Config{
		Tracker: d.tracker, Start: starterOf(d.client), Client: d.client, Workflows: workflowNames(),
		Demo:   &backend.Demo{Services: d.board, Hires: demo.NewHires(demo.NewHireList()...), Faults: d.faults, Mailbox: d.mails},
		Ready:  func(context.Context) error { return d.board.ready() },
		Broker: "embedded broker " + d.broker, Metrics: promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{}),
		Logger: d.settings.logger, Version: versionName(), Users: d.settings.door.users, Mask: d.settings.door.mask, MaxStreams: d.settings.streams,
	})
	d.board.playAll()
	d.greet(c, d.settings.door.url(listener))

	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	served := make(chan error, 1)
	go func() { served <- serve(serving, listener, d.settings.door, handler, d.tracker, d.settings.logger) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-d.board.failed:
	case err = <-served:
		served <- nil
	}
	fmt.Fprintln(c.err, "stopping: services finish what they have in hand")
	d.board.close()
	stop()
	return errors.Join(err, <-served)
}

// greeting is what --json prints.
type greeting struct {
	Console string `json:"console"`
	Broker  string `json:"broker"`
	Durable bool   `json:"durable"` // never, so far
}

// greet is the first thing that a person sees: what it is, where, and what becomes of the data.
func (d *demonstration) greet(c *terminal, url string) {
	if c.json() {
		if err := json.NewEncoder(c.out).Encode(greeting{Console: url, Broker: d.broker}); err != nil {
			d.settings.logger.Warn("the greeting can't be written", "error", err) // a closed stdout mustn't end the demo
		}
		return
	}
	fmt.Fprintf(c.out, `Skald: choreographed sagas on Kafka (%s)

  Console   %s
  API       %[2]s/openapi.json
  Broker    %s  (embedded, Kafka protocol; 4 partitions)
  Data      in memory: nothing survives a restart

Open the console and press "Onboard New User". Ctrl-C stops everything.
`, versionName(), url, d.broker)
}
