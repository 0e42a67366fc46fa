package kafka

import (
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// MaxDecompressedBatch bounds what a fetched batch may decompress to: 64 MiB,
// where franz-go would allow 1 GiB. Beyond it PollFetches reports
// kgo.ErrDecompressTooLarge for the partition, which then stands still until
// the reader sets an offset past the batch.
const MaxDecompressedBatch = 64 << 20

// Connection says how to reach a cluster. Services, tracker and tools make
// their clients of it, so that all of them behave alike.
type Connection struct {
	// Brokers are host:port addresses to begin at. Default 127.0.0.1:9092.
	Brokers []string

	// ClientID is the name that brokers see in logs and quotas. Default "skald".
	ClientID string

	// Logger gets the client's warnings and errors. Default slog.Default().
	Logger *slog.Logger
}

// Options are those that every client shares. What comes after them in
// kgo.NewClient overrides them.
func (c Connection) Options() []kgo.Opt {
	if len(c.Brokers) == 0 {
		c.Brokers = []string{"127.0.0.1:9092"}
	}
	if c.ClientID == "" {
		c.ClientID = "skald"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		kgo.WithLogger(&clientLogger{logger: c.Logger}),

		// A broker that doesn't take a connection within 3 s is one to try
		// again later, or elsewhere; the default is 10 s.
		kgo.DialTimeout(3 * time.Second),
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
}
