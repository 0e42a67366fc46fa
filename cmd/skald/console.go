package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

func newConsole(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "console",
		Short: "Run the tracker and the web console",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.console(cmd.Context()) },
	}
	flags := cmd.Flags()
	kafkaFlags(flags)
	consoleFlags(flags)
	flags.String("db", "", "database of the tracker: a SQLite file, or postgres://user@host:port/database, which several consoles may share (default: a temporary file, built anew at each start); give its password by SKALD_DB or PGPASSWORD, as others on this machine see flags")
	addMaxStreams(flags)
	flags.Duration("keep-for", tracker.DefaultKeepFor, "how long sagas are kept in the database after their end; 0 is for ever")
	flags.Int64("keep-sagas", tracker.DefaultKeepSagas, "how many sagas that are over are kept in the database, those that ended last; 0 is all")
	return cmd
}

func (c *terminal) console(ctx context.Context) error {
	cfg, err := c.kafkaConfig()
	if err != nil {
		return err
	}
	conn, err := c.connection()
	if err != nil {
		return err
	}
	door, err := c.door()
	if err != nil {
		return err
	}
	keepFor, keepSagas, err := c.retention()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", door.addr)
	if err != nil {
		return portError("the console", door.addr, "--addr", err)
	}
	defer listener.Close()
	streams, err := c.maxStreams()
	if err != nil {
		return err
	}
	rows, err := store.Open(ctx, c.settings.String("db"))
	if err != nil {
		return err
	}
	defer rows.Close()
	client, err := skald.NewClient(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	registry := prometheus.NewRegistry()
	t := tracker.New(tracker.Config{
		Connection: conn, Namespace: wire.Namespace(cfg.Prefix), Store: rows, Logger: cfg.Logger, Metrics: registry,
		KeepFor: keepFor, KeepSagas: keepSagas,
	})
	handler := console.New(console.Config{
		Tracker: t, Workflows: workflowNames(), Ready: client.Ping, Start: starterOf(client), Client: client,
		Broker: "Kafka " + strings.Join(cfg.Brokers, ", "), Durable: true, Logger: cfg.Logger, Version: versionName(),
		Metrics: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), Users: door.users, Mask: door.mask, MaxStreams: streams,
	})
	fmt.Fprintf(c.out, "Skald console: %s\n", door.url(listener))
	return serve(ctx, listener, door, handler, t, cfg.Logger)
}

// retention gives what the tracker takes: there, 0 is its default and what is negative is for ever.
func (c *terminal) retention() (keepFor time.Duration, keepSagas int64, err error) {
	age, number := c.settings.String("keep-for"), c.settings.String("keep-sagas")
	if age == "0" {
		age = "0s"
	}
	if keepFor, err = time.ParseDuration(age); err != nil || keepFor < 0 {
		return 0, 0, usage("--keep-for %q: a duration such as 720h is expected, or 0 for ever", age)
	}
	if keepSagas, err = strconv.ParseInt(number, 10, 64); err != nil || keepSagas < 0 {
		return 0, 0, usage("--keep-sagas %q: a number is expected, or 0 for all", number)
	}
	if keepFor == 0 {
		keepFor = -1
	}
	if keepSagas == 0 {
		keepSagas = -1
	}
	return keepFor, keepSagas, nil
}

// starterOf starts sagas for the console. Nobody waits for them.
func starterOf(client *skald.Client) func(context.Context, string, json.RawMessage, string) (string, error) {
	return func(ctx context.Context, workflow string, input json.RawMessage, key string) (string, error) {
		w, err := workflowNamed(workflow)
		if err != nil {
			return "", err
		}
		options := []skald.StartOption{skald.WithoutWait()}
		if key != "" {
			options = append(options, skald.WithIdempotencyKey(key))
		}
		saga, err := w.StartJSON(ctx, client, input, options...)
		if err != nil {
			return "", err
		}
		return saga.ID(), nil
	}
}

// serve answers HTTP and runs the tracker until ctx ends or one of them fails.
func serve(ctx context.Context, listener net.Listener, at door, handler *console.Handler, t *tracker.Tracker, logger *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: handler, TLSConfig: at.tls, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
	server.RegisterOnShutdown(handler.Close)
	ended := make(chan error, 2)
	go func() { ended <- t.Run(ctx) }()
	go func() {
		if at.tls != nil {
			ended <- server.ServeTLS(listener, "", "")
		} else {
			ended <- server.Serve(listener)
		}
	}()
	var first error
	left := 2
	select {
	case <-ctx.Done():
	case first = <-ended:
		left--
	}
	cancel()
	shutdown, done := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer done()
	err := errors.Join(first, server.Shutdown(shutdown))
	for range left {
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func addMaxStreams(flags *pflag.FlagSet) {
	flags.Int("max-streams", console.DefaultMaxStreams, "how many pages and other clients may follow live at once; the next one is refused")
}

func (c *terminal) maxStreams() (int, error) {
	n := c.settings.Int("max-streams")
	if n < 1 {
		return 0, usage("--max-streams %d: at least 1 is expected", n)
	}
	return n, nil
}
