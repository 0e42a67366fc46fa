package engine

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

const (
	announceEvery   = 3 * time.Second
	farewellTimeout = 2 * time.Second // for each of the things that a stop asks of a broker, which may be away
)

// heart announces the service in the registry of services until it is stopped; then it says goodbye.
type heart struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup
}

func (s *Session) announce(ctx context.Context) *heart {
	draining := ctx.Done()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := &heart{cancel: cancel}
	a := wire.Announcement{
		Service: s.service.Name, Instance: s.cfg.Instance, Started: time.Now(), Every: int(announceEvery.Milliseconds()),
	}
	for _, st := range s.service.Steps {
		a.Steps = append(a.Steps, st.Announced())
	}
	h.wait.Go(func() {
		tick := time.NewTicker(announceEvery)
		defer tick.Stop()
		for {
			s.tell(ctx, a)
			select {
			case <-tick.C:
			case <-s.vitals.changed:
			case <-draining:
				a.Draining, draining = true, nil
			case <-ctx.Done():
				farewell, done := context.WithTimeout(context.WithoutCancel(ctx), farewellTimeout/2)
				defer done()
				a.Stopped = true
				s.tell(farewell, a)
				return
			}
		}
	})
	return h
}

// stop says goodbye and closes the client. A record that is in flight to a broker that is away can't be called back: closing is
// what ends its wait.
func (h *heart) stop(client *kgo.Client) {
	h.cancel()
	said := make(chan struct{})
	go func() {
		h.wait.Wait()
		close(said)
	}()
	timer := time.NewTimer(farewellTimeout)
	defer timer.Stop()
	select {
	case <-said:
	case <-timer.C:
	}
	client.Close()
	<-said
}

// tell writes one announcement. A lost heartbeat is made good by the next.
func (s *Session) tell(ctx context.Context, a wire.Announcement) {
	a.Time = time.Now()
	s.vitals.fill(&a.Vitals)
	r := &kgo.Record{Topic: s.cfg.Namespace.Services(), Key: a.Key(), Value: a.Encode(), Timestamp: a.Time}
	err := s.admin.ProduceSync(ctx, r).FirstErr()
	if err == nil || ctx.Err() != nil {
		return
	}
	s.logger.Debug("announcing the service failed; it is tried again", "error", err)
	if lasting, ok := s.lasting(kafka.About(err, kafka.Topic, r.Topic)); ok {
		s.unannounced.Do(func() { s.logger.Warn("nobody can see that the service runs", "error", lasting) })
	}
}
