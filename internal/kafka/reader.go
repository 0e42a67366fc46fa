package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Reader is a client that reads partitions without a group.
//
// It has a Close of its own, as the client's alone would not do: franz-go 1.22.2 ends the consuming by beginning a new, empty session,
// whose first fetch looks at what Close at the same time writes to bid the brokers farewell (source.createReq beside
// fetchSession.kill). Nothing comes of that race but a report of the race detector. When the client's context has ended before, there
// is no such fetch; brokers then forget the fetch session by themselves.
type Reader struct {
	*kgo.Client

	end context.CancelFunc
}

// NewReader makes a reader. Close it.
func NewReader(options ...kgo.Opt) (*Reader, error) {
	ctx, cancel := context.WithCancel(context.Background())
	client, err := kgo.NewClient(append(options, kgo.WithContext(ctx))...)
	if err != nil {
		cancel()
		return nil, err
	}
	return &Reader{client, cancel}, nil
}

// Close ends the reader; polls that wait return kgo.ErrClientClosed.
func (r *Reader) Close() {
	r.end()
	r.Client.Close()
}
