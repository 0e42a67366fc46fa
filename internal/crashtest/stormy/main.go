// Command stormy is skald run for one service in bad weather: handlers and compensations fail and hang, and sagas of some IDs can't be
// notified, until the defect is mended. The services are the shipped ones, which know nothing of it; their steps have a timeout.
// It takes the service's name and the flags of skald run that the storm test gives.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the services' databases

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/services/authorizer"
	"github.com/skald-saga/skald/services/demo"
	"github.com/skald-saga/skald/services/notifier"
	"github.com/skald-saga/skald/services/provisioner"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1], os.Args[2:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "stormy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	brokers := flags.String("brokers", "", "")
	prefix := flags.String("prefix", "", "")
	partitions := flags.Int("partitions", 0, "")
	instance := flags.String("instance", "", "")
	slot := flags.String("slot", "", "")
	lagText := flags.String("lag", "", "")
	folder := flags.String("data", "", "")
	smtp := flags.String("smtp-addr", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	lag, err := demo.ParseRange(*lagText)
	if err != nil {
		return err
	}
	store := "file:" + filepath.Join(*folder, name+".db") +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate"
	db, err := sql.Open("sqlite", store)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	mailer, err := notifier.NewMailer(notifier.Config{Addr: cmp.Or(*smtp, "127.0.0.1:25")}) // only the notifier connects
	if err != nil {
		return err
	}
	defer mailer.Close()
	service, err := newService(ctx, name, db, mailer, filepath.Join(*folder, "policies.cedar"))
	if err != nil {
		return err
	}
	const chaos, timeout = 0.1, 2 * time.Second
	random := rand.NewPCG(rand.Uint64(), rand.Uint64()) //nolint:gosec // weather is no secret
	w := weather{service: name, mended: filepath.Join(*folder, "mended")}
	faults := demo.NewFaults(lag, map[string]float64{name: chaos}, random)
	return skald.Run(ctx, skald.Config{
		Brokers: strings.Split(*brokers, ","), Prefix: *prefix, Partitions: int32(*partitions), Instance: *instance, Slot: *slot,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Joined: func(service string) { fmt.Fprintf(os.Stderr, "%s has joined its group\n", service) },
	}, service.Timeout(timeout).Around(w.around).Around(faults.Around(name)))
}

func newService(ctx context.Context, name string, db *sql.DB, mailer *notifier.Mailer, document string) (*skald.Service, error) {
	switch name {
	case "provisioner":
		inventory, err := provisioner.NewInventory(ctx, db)
		return provisioner.Service(inventory), err
	case "authorizer":
		policies, err := authorizer.OpenPolicies(document, slog.Default())
		if err != nil {
			return nil, err
		}
		grants, err := authorizer.NewGrants(ctx, db)
		return authorizer.Service(policies, grants), err
	case "notifier":
		return notifier.Service(mailer), nil
	}
	return nil, fmt.Errorf("there is no service %q", name)
}

type weather struct{ service, mended string }

const (
	hangs    = 0.01 // of the calls
	deaf     = 0.1  // of those that hang don't listen to their context either, and end with the process
	poisoned = "08" // the saga IDs below, which are 3 %
)

// around hangs before the handler, or when it has had its effect and its result is lost.
func (w weather) around(next skald.Handler) skald.Handler {
	return func(ctx context.Context) error {
		if w.service == "notifier" && skald.SagaID(ctx) < poisoned {
			if _, err := os.Stat(w.mended); errors.Is(err, os.ErrNotExist) {
				return skald.Poison(errors.New("nobody can be notified whose saga begins with 0: on purpose"))
			}
		}
		switch rand.Float64() < hangs { //nolint:gosec // as above
		case false:
			return next(ctx)
		case rand.Float64() < 0.5: //nolint:gosec // as above
			return hang(ctx)
		}
		if err := next(ctx); err != nil {
			return err
		}
		return hang(ctx)
	}
}

func hang(ctx context.Context) error {
	if rand.Float64() < deaf { //nolint:gosec // as above
		select {}
	}
	<-ctx.Done()
	return ctx.Err()
}
