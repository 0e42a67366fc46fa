package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/internal/doctor"
	"github.com/skald-saga/skald/internal/tracker/store"
)

func newDoctor(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [SERVICE...]",
		Short: "Examine Kafka and what else services need, with a fix for each finding",
		Long: `Examines the cluster (brokers, transactions, topics, replicas, services and their lag, clocks) and what else services on
this machine need: the data folder if there is one, and what the settings name of --db, --smtp-addr, --addr and --metrics-addr.
Each finding comes with a fix. Topics of services that announced themselves are looked for, and those of shipped
services that are named here, with --partitions.

It changes nothing, except that it makes a topic skald.doctor.* to compare clocks, and deletes it again. It ends with exit code 1
if there is a problem: something for which sagas stand still or can get lost. Warnings alone end with 0.`,
		Example: `  skald doctor --brokers kafka:9092
  skald doctor provisioner authorizer notifier --partitions 24 --json`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.doctor(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	kafkaFlags(flags)
	flags.Int64("max-lag", doctor.DefaultMaxLag, "events that may wait for a service before that is worth a warning")
	flags.Duration("max-skew", doctor.DefaultMaxSkew, "how far clocks may be apart")
	flags.String("data", "skald-data", "folder of the services' SQLite files, examined if it is there")
	flags.String("db", "", "database of the tracker: a SQLite file, or postgres://user@host:port/database")
	flags.String("smtp-addr", "", "mail server of the notifier")
	flags.String("addr", "", "address that the console is to have on this machine")
	flags.String("metrics-addr", "", "address that services' metrics are to have on this machine")
	return cmd
}

func (c *terminal) doctor(ctx context.Context, services []string) error {
	conn, err := c.connection()
	if err != nil {
		return err
	}
	cfg := doctor.Config{
		Connection: conn, Prefix: c.settings.String("prefix"),
		MaxLag: c.settings.Int64("max-lag"), MaxSkew: c.settings.Duration("max-skew"), Extra: c.surroundings(),
	}
	if cfg.MaxLag < 1 || cfg.MaxSkew <= 0 {
		return usage("--max-lag and --max-skew have to be positive")
	}
	if len(services) > 0 {
		specs, err := c.topicsOf(services)
		if err != nil {
			return err
		}
		cfg.Topics = wanted(specs)
	}
	findings := doctor.Examine(ctx, cfg)
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.printFindings(findings)
}

// surroundings are the checks of what the settings name beside Kafka.
func (c *terminal) surroundings() []doctor.Check {
	s := c.settings.String
	checks := []doctor.Check{folderCheck(s("data"))}
	if file := s("db"); file != "" {
		checks = append(checks, doctor.Check{Name: "tracker", Run: func(ctx context.Context) []doctor.Finding {
			if store.IsPostgres(file) {
				return []doctor.Finding{examineServer(ctx, "tracker", file)}
			}
			return []doctor.Finding{examineFile(ctx, "tracker", file, "delete it: the tracker builds it anew from the log, as far as that goes back")}
		}})
	}
	if addr := s("smtp-addr"); addr != "" {
		checks = append(checks, doctor.Reachable("mail", addr, "start the mail server, or correct --smtp-addr"))
	}
	for _, port := range []struct{ name, flag, path string }{{"console", "addr", "/healthz"}, {"metrics", "metrics-addr", "/metrics"}} {
		if addr := s(port.flag); addr != "" {
			checks = append(checks, portCheck(port.name, addr, port.path, "see who has it (ss -ltnp), or choose another by --"+port.flag))
		}
	}
	return checks
}

func (c *terminal) printFindings(findings []doctor.Finding) error {
	problems := 0
	for i := range findings {
		f := &findings[i]
		f.Text, f.Fix = inFlags(f.Text), inFlags(f.Fix)
		if f.Severity == doctor.Problem {
			problems++
		}
	}
	if c.json() {
		if err := json.NewEncoder(c.out).Encode(findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Fprintf(c.out, "%-8s %-12s %s\n", f.Severity, f.Check, f.Text)
			if f.Fix != "" {
				fmt.Fprintf(c.out, "%-8s %-12s fix: %s\n", "", "", f.Fix)
			}
		}
	}
	switch problems {
	case 0:
		return nil
	case 1:
		return errors.New("there is 1 problem")
	}
	return fmt.Errorf("there are %d problems", problems)
}
