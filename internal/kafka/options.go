package kafka

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// MaxDecompressedBatch bounds what a fetched batch may decompress to: 64 MiB,
// where franz-go would allow 1 GiB. Beyond it PollFetches reports
// kgo.ErrDecompressTooLarge for the partition, which then stands still until
// the reader sets an offset past the batch.
const MaxDecompressedBatch = 64 << 20

const (
	defaultBroker = "127.0.0.1:9092"
	dialTimeout   = 3 * time.Second
)

// Connection says how to reach a cluster. Services, tracker and tools make
// their clients of it, so that all of them behave alike.
type Connection struct {
	// Brokers are host:port addresses to begin at. Default 127.0.0.1:9092.
	Brokers []string

	// ClientID is the name that brokers see in logs and quotas. Default "skald".
	ClientID string

	// TLS encrypts connections. Default plaintext.
	TLS *TLS

	// SASL logs in. Default no login.
	SASL *SASL

	// Logger gets the client's warnings and errors. Default slog.Default().
	Logger *slog.Logger
}

// Options are those that every client shares. What comes after them in
// kgo.NewClient overrides them. They don't fail: settings that Check would refuse
// make each connection fail with the same SettingError.
func (c Connection) Options() []kgo.Opt {
	if len(c.Brokers) == 0 {
		c.Brokers = []string{defaultBroker}
	}
	if c.ClientID == "" {
		c.ClientID = "skald"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		kgo.WithLogger(&clientLogger{logger: c.Logger}),

		// A broker that doesn't take a connection within 3 s is one to try
		// again later, or elsewhere; the default is 10 s.
		kgo.DialTimeout(dialTimeout),
		// Requests are tried again for so long while a broker restarts or a
		// partition changes its leader, then their caller decides.
		kgo.RetryTimeout(30 * time.Second),
		// The default of 5 s is how late a client may notice a new topic or a
		// new leader.
		kgo.MetadataMinAge(500 * time.Millisecond),

		// How long a broker may hold a fetch that finds nothing. A fetch that
		// is held when a topic comes into being doesn't see it: the default
		// of 5 s would make its first records that late.
		kgo.FetchMaxWait(500 * time.Millisecond),
		kgo.MaxDecompressBatchBytes(MaxDecompressedBatch),
	}
	return append(options, c.security()...)
}

// security never fails: what is wrong with the settings is said by each connection, as their owner may not have called Check.
func (c Connection) security() []kgo.Opt {
	var options []kgo.Opt
	fails := func(err error) []kgo.Opt {
		return []kgo.Opt{kgo.Dialer(func(context.Context, string, string) (net.Conn, error) { return nil, err })}
	}
	if c.TLS != nil {
		config, err := c.TLS.config()
		if err != nil {
			return fails(err)
		}
		options = append(options, kgo.DialTLSConfig(config))
	}
	if c.SASL != nil {
		if err := c.SASL.check(); err != nil {
			return fails(err)
		}
		options = append(options, kgo.SASL(c.SASL.mechanism()))
	}
	return options
}
