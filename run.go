package skald

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/skald-saga/skald/internal/engine"
)

// Run serves until ctx ends, then drains: running handlers may finish within [Config.DrainTimeout], and what they produced is
// committed. It returns nil after a drain. It returns an error at once if [Check] finds something, and when something fails
// that waiting can't mend: a login or access that is refused, a topic with another partition count, a cluster that is too old
// ([Config.AllowOldTransactions]), a ledger written by a newer Skald. One service's error ends all.
//
// It waits for a broker that isn't there, says so in the log, and lives through one that goes away. Topics that are missing
// are created. Several processes may Run the same service: they share its partitions.
func Run(ctx context.Context, cfg Config, services ...*Service) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if err := Check(services...); err != nil {
		return fmt.Errorf("skald: these services can't run:\n%w", err)
	}
	all, ctx := errgroup.WithContext(ctx)
	for _, s := range services {
		session := engine.NewSession(cfg.engine(), s.engineService(cfg.Codec))
		all.Go(func() error { return session.Run(ctx) })
	}
	return all.Wait()
}

func (c Config) engine() engine.Config {
	return engine.Config{
		Connection: c.connection(), AllowOldTransactions: c.AllowOldTransactions, Namespace: c.namespace(), Partitions: c.Partitions, Instance: c.Instance, Slot: c.Slot,
		MaxOpenSagas: c.MaxOpenSagas, MaxUnfinished: c.MaxUnfinished, DrainTimeout: c.DrainTimeout,
		Logger: c.Logger, Metrics: c.Metrics, Settle: c.Settle,
		Joined: c.Joined, TransactionTimeout: engine.DefaultTransactionTimeout, SessionTimeout: c.SessionTimeout,
		Hold: engine.DefaultHold, HangGrace: engine.DefaultHangGrace, Upkeep: engine.DefaultUpkeep,
	}
}
