package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// apacheSettle is how long Apache Kafka's markers take (docs/design.md, "Settle"); the embedded broker has none to wait for.
const apacheSettle = 3 * time.Millisecond

// broker is what a turn runs against.
type broker struct {
	addr    string
	pid     int // 0 if its process can't be seen
	version string
	settle  time.Duration
	lasting bool // over turns: topics must be deleted
	stop    func() error
}

// startBroker starts the named broker, or finds it running.
func (c Config) startBroker(ctx context.Context, name string, fail func(error)) (*broker, error) {
	b := &broker{addr: name, settle: apacheSettle, lasting: true, stop: func() error { return nil }}
	switch name {
	case Embedded:
		child, err := c.start("the embedded broker", spec{Role: roleBroker}, fail)
		if err != nil {
			return nil, err
		}
		ready, err := child.expect(ctx, eventReady)
		if err != nil {
			_ = child.stop() // the first error says more
			return nil, err
		}
		return &broker{addr: ready.Addr, pid: child.pid, version: "embedded broker", stop: child.stop}, nil
	case Apache:
		addr, stop, err := startApache()
		if err != nil {
			return nil, err
		}
		b.addr, b.stop = addr, func() error { stop(); return nil }
	}
	if _, port, err := net.SplitHostPort(b.addr); err == nil {
		n, _ := strconv.Atoi(port) // a name of a port is one whose process isn't found
		b.pid = listenerOf(n)
	}
	version, err := b.ask(ctx)
	if err != nil {
		_ = b.stop() // the first error says more
		return nil, fmt.Errorf("no broker answers at %s: %w", b.addr, err)
	}
	b.version = "Apache Kafka " + version
	return b, nil
}

// ask finds out the version of Apache Kafka by which requests the broker knows.
func (b *broker) ask(ctx context.Context) (string, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr))
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	versions, err := kadm.NewClient(client).ApiVersions(ctx)
	if err != nil {
		return "", err
	}
	for _, v := range versions.Sorted() {
		if v.Err == nil {
			return v.VersionGuess(), nil
		}
	}
	return "", errors.New("it doesn't tell its versions")
}
