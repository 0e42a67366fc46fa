package skald

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/wire"
)

// Defaults of [Config].
const (
	DefaultPartitions     = 12
	DefaultMaxOpenSagas   = 100_000
	DefaultMaxUnfinished  = 4_000
	DefaultDrainTimeout   = 5 * time.Second
	DefaultSettle         = 3 * time.Millisecond
	DefaultSessionTimeout = engine.DefaultSessionTimeout
)

// Config says how services and clients reach Kafka and how they behave. The zero value of every field is its default.
type Config struct {
	// Brokers are the seed brokers, host:port. Default 127.0.0.1:9092.
	Brokers []string

	// TLS encrypts the connections to Kafka. Default plaintext.
	TLS *TLS

	// SASL logs in to Kafka. Default no login.
	SASL *SASL

	// AllowOldTransactions lets services run on a cluster whose transaction.version is below 2, that is before Kafka 4.0 or
	// upgraded from there without its features. What is left of an aborted transaction can end up in the next one there, or
	// block readers until an operator ends it (KIP-890): exactly-once doesn't hold. Default false: [Run] refuses such a cluster.
	AllowOldTransactions bool

	// Prefix goes before the name of every topic, group and transactional ID. Default none.
	Prefix string

	// Partitions is the partition count of all topics that sagas touch. It can't change under a prefix. Default 12.
	Partitions int32

	// Instance names this process in the registry of services. Default host name and process ID.
	Instance string

	// Slot is this process's place among those of each service that it runs, of letters, digits, '.', '_' and '-', at most 40: a name
	// that it has again after a restart, and that no other process of the service has. With one, a process that was killed goes on a
	// fraction of a second after it has been started again, and a restart within SessionTimeout costs no rebalance, as the process doesn't
	// leave its group when it stops. When it won't come back, its partitions wait for SessionTimeout, or for [Leave]. A second process
	// on a slot makes Run of the first return an error. [AutoSlot] is for StatefulSets. Default none: Run leaves the group when it
	// stops, and what a killed process had waits for the others until SessionTimeout is over.
	Slot string

	// SessionTimeout is how long the brokers may hear nothing of a process before its partitions go to the others. Brokers allow 6 s to
	// 30 min (group.min.session.timeout.ms, group.max.session.timeout.ms). With a slot it should be longer than a restart takes, in
	// Kubernetes perhaps 30 s. Default 6 s.
	SessionTimeout time.Duration

	// Codec encodes events. All services of a workflow need the same one. Default [JSON].
	Codec Codec

	// MaxOpenSagas is how many sagas one instance of an initiator keeps open before it stops taking starts. Default 100,000.
	MaxOpenSagas int

	// MaxUnfinished is how many accepted, unfinished events one instance of a service keeps (in memory and in its ledger)
	// before it stops taking more. Default 4,000.
	MaxUnfinished int

	// DrainTimeout is how long running handlers may go on after the context of [Run] has ended. What isn't done by
	// then is done by the next owner. Default 5 s.
	DrainTimeout time.Duration

	// Settle is how long after a commit a service goes on collecting events for the next transaction. Kafka still writes the
	// last one's markers then, and would put off a produce that comes too early by 20 ms
	// (add.partitions.to.txn.retry.backoff.ms). Default 3 ms; negative for none, as the embedded broker needs none.
	Settle time.Duration

	// Logger takes what services and clients say. Default slog.Default().
	Logger *slog.Logger

	// Joined is called each time a service has joined its group and been given its partitions: from then on events flow.
	// It must return at once. Default none.
	Joined func(service string)

	// Metrics registers the engine's counters. Default none.
	Metrics prometheus.Registerer
}

func (c Config) withDefaults() (Config, error) {
	if len(c.Brokers) == 0 {
		c.Brokers = []string{"127.0.0.1:9092"}
	}
	if c.Partitions == 0 {
		c.Partitions = DefaultPartitions
	}
	if c.Codec == nil {
		c.Codec = JSON{}
	}
	if c.MaxOpenSagas == 0 {
		c.MaxOpenSagas = DefaultMaxOpenSagas
	}
	if c.MaxUnfinished == 0 {
		c.MaxUnfinished = DefaultMaxUnfinished
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = DefaultDrainTimeout
	}
	if c.Joined == nil {
		c.Joined = func(string) {}
	}
	if c.SessionTimeout == 0 {
		c.SessionTimeout = DefaultSessionTimeout
	}
	if c.Settle == 0 {
		c.Settle = DefaultSettle
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Instance == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown-host"
		}
		c.Instance = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	slot, err := resolveSlot(c.Slot, os.Hostname)
	if err != nil {
		return c, err
	}
	c.Slot = slot
	return c, c.check()
}

func (c Config) check() error {
	for _, bound := range []struct {
		field string
		value int64
	}{
		{"Partitions", int64(c.Partitions)}, {"MaxOpenSagas", int64(c.MaxOpenSagas)},
		{"MaxUnfinished", int64(c.MaxUnfinished)},
		{"DrainTimeout", int64(c.DrainTimeout)}, {"SessionTimeout", int64(c.SessionTimeout)},
	} {
		if bound.value < 1 {
			return fmt.Errorf("skald: Config.%s is %d, it must be positive", bound.field, bound.value)
		}
	}
	if err := c.connection().Check(); err != nil {
		return fmt.Errorf("skald: Config.%w", err)
	}
	if c.Prefix != "" {
		return wire.CheckName("prefix", c.Prefix)
	}
	return nil
}

func (c Config) namespace() wire.Namespace { return wire.Namespace(c.Prefix) }
