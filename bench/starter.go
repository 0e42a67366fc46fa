package bench

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// starter begins sagas the way a contestant's user would. Start returns when the start is in the log. It is safe for concurrent use.
type starter interface {
	Start(ctx context.Context, u newUser) (sagaID string, err error)
	Close()
}

func newStarter(s spec) (starter, error) {
	if s.Contestant.isSkald() {
		client, err := skald.NewClient(s.skaldConfig())
		if err != nil {
			return nil, err
		}
		return &skaldStarter{client}, nil
	}
	connection := kafka.Connection{Brokers: []string{s.Addr}} // the same options as Skald's client has
	producer, err := kgo.NewClient(append(connection.Options(), kgo.ProducerLinger(0))...)
	if err != nil {
		return nil, err
	}
	return &bareStarter{producer, wire.Namespace(s.Prefix).Topic("new-user")}, nil
}

type skaldStarter struct{ *skald.Client }

func (s *skaldStarter) Start(ctx context.Context, u newUser) (string, error) {
	saga, err := onboarding.Start(ctx, s.Client, u, skald.WithoutWait())
	if err != nil {
		return "", err
	}
	return saga.ID(), nil
}

type bareStarter struct {
	producer *kgo.Client
	topic    string
}

func (s *bareStarter) Start(ctx context.Context, u newUser) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(u)
	if err != nil {
		return "", err
	}
	r := &kgo.Record{Topic: s.topic, Key: []byte(id.String()), Value: payload}
	return id.String(), s.producer.ProduceSync(ctx, r).FirstErr()
}

func (s *bareStarter) Close() { s.producer.Close() }
