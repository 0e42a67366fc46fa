package embedded

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"
)

const (
	// DefaultAddr is where the broker listens unless told otherwise.
	DefaultAddr = "127.0.0.1:9092"

	// DefaultPartitions is the partition count of a topic that is created
	// without one.
	DefaultPartitions = 4

	// closeTimeout bounds how long Close waits for connections to end. They
	// end as soon as the listener is closed; the bound is for a broken kfake.
	closeTimeout = 5 * time.Second
)

// Config says how the broker runs. Its zero value is useful.
type Config struct {
	// Addr is the loopback address to listen on, and the one that clients are
	// told in metadata. Port 0 takes a free one. Default DefaultAddr.
	Addr string

	// Logger gets the broker's warnings and a line for each connection that
	// was closed for what it sent. Default slog.Default().
	Logger *slog.Logger

	// Partitions is the partition count of a topic whose creator leaves it to
	// the broker. Default DefaultPartitions. Topics are never created by
	// merely being asked for: a typing error must not become a topic.
	Partitions int32

	// Keep is how many of the newest records of a partition are kept once every
	// group that reads the topic has consumed them; topics with retention.ms=-1
	// are left alone. 0 keeps all.
	Keep int64
}

// Broker is a running broker. Its methods are safe for concurrent use.
type Broker struct {
	cluster *kfake.Cluster
	guard   *guard
	retain  *retention // nil if all is kept
	close   sync.Once
	closed  error
}

// Start listens and serves until Close. The error for an address that is taken
// wraps syscall.EADDRINUSE; an address that isn't loopback is refused, as the
// broker asks nobody for a password.
func Start(cfg Config) (*Broker, error) {
	if cfg.Addr == "" {
		cfg.Addr = DefaultAddr
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Partitions == 0 {
		cfg.Partitions = DefaultPartitions
	}
	if cfg.Partitions < 0 || cfg.Partitions > maxPartitions {
		return nil, fmt.Errorf("embedded broker: %d partitions: must be 1 to %d", cfg.Partitions, maxPartitions)
	}
	addr, err := loopback(cfg.Addr)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}

	guard := newGuard(listener, cfg.Logger)
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		// kfake's own idea of an address is 127.0.0.1 and a port; it only
		// looks at the listener to learn what to tell clients.
		kfake.ListenFn(func(string, string) (net.Listener, error) { return guard, nil }),
		kfake.MaxVersions(servedVersions()),
		// Topics in memory are new at each start, and so is the cluster:
		// whoever keeps offsets of it elsewhere must be able to tell.
		kfake.ClusterID(newClusterID()),
		kfake.DefaultNumPartitions(int(cfg.Partitions)),
		kfake.BrokerConfigs(map[string]string{
			// In memory a segment grows by copying it into twice the room,
			// while all clients wait, and memory comes back by whole segments
			// only. kfake's 100 MiB, per partition, is for a disk.
			"log.segment.bytes": strconv.Itoa(8 << 20),
		}),
		// Kafka's floor of 6 s would make a test or a demo that kills a
		// service wait for so long. Clients still choose their own timeout.
		kfake.GroupMinSessionTimeout(100*time.Millisecond),
		kfake.GroupMaxSessionTimeout(30*time.Minute), // Kafka's default; kfake's is 5 min.
		kfake.WithLogger(kfakeLogger{cfg.Logger}),
	)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded broker: %w", err), guard.Close())
	}
	applyPolicy(cluster)
	b := &Broker{cluster: cluster, guard: guard}
	if cfg.Keep > 0 {
		if b.retain, err = startRetention(b.Addr(), cfg.Keep, cfg.Logger); err != nil {
			return nil, errors.Join(fmt.Errorf("embedded broker: %w", err), b.Close())
		}
	}
	return b, nil
}

// Addr is the host:port that clients connect to.
func (b *Broker) Addr() string { return b.guard.Addr().String() }

// Close ends all connections and forgets all topics. It returns once no
// connection is left, after at most 5 s. A second call returns what the first
// one did.
func (b *Broker) Close() error {
	b.close.Do(func() {
		if b.retain != nil {
			b.retain.stop()
		}
		b.cluster.Close()
		b.closed = b.guard.wait(closeTimeout)
	})
	return b.closed
}

// loopback gives the address to listen on, with a number for its host: "localhost"
// could be resolved to something else by a hosts file.
func loopback(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("embedded broker: address %q: %w (want host:port, such as %s)", addr, err, DefaultAddr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("embedded broker: address %q: port %q isn't a number of 0 to 65535", addr, port)
	} else if host == "localhost" {
		return fmt.Sprintf("127.0.0.1:%d", n), nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("embedded broker: address %q isn't loopback: it has no passwords, so only 127.0.0.1, [::1] or localhost are allowed; for others to reach Kafka, run Apache Kafka", addr)
	}
	return addr, nil
}

// newClusterID is 16 random bytes in the form that Kafka's own tools generate.
func newClusterID() string {
	id := uuid.New()
	return base64.RawURLEncoding.EncodeToString(id[:])
}
