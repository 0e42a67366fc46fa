package doctor

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/wire"
)

// patient is the cluster, with what several checks need to know of it.
type patient struct {
	Config

	namespace wire.Namespace
	client    *kgo.Client
	admin     *kadm.Client

	live     map[int32]string // address by broker ID
	down     map[int32]string // registered, but not there
	topics   kadm.TopicDetails
	services map[string]*service
}

func examineKafka(ctx context.Context, cfg Config) []Finding {
	const brokers = "brokers"
	if err := cfg.Connection.Check(); err != nil {
		e := cfg.Connection.Explain(err)
		return []Finding{{brokers, Problem, e.Text, e.Fix}}
	}
	cfg.Connection.ClientID = "skald-doctor"
	cfg.Connection.Logger = slog.New(slog.DiscardHandler) // what it has to say the findings say
	client, err := kgo.NewClient(cfg.Connection.Options()...)
	if err != nil {
		return []Finding{{brokers, Problem, err.Error(), "correct the settings for Kafka"}}
	}
	defer client.Close()
	p := &patient{Config: cfg, namespace: wire.Namespace(cfg.Prefix), client: client, admin: kadm.NewClient(client)}
	if unreachable, ok := p.reach(ctx); !ok {
		return []Finding{unreachable}
	}
	var findings []Finding
	for _, check := range []struct {
		name string
		run  func(context.Context) ([]Finding, error)
	}{
		{brokers, p.examineBrokers},
		{"transactions", p.examineTransactions},
		{"registry", p.examineRegistry},
		{"topics", p.examineTopics},
		{"replicas", p.examineReplicas},
		{"services", p.examineServices},
		{"clocks", p.examineClocks},
	} {
		found := p.make(ctx, check.run)
		for i := range found {
			found[i].Check = check.name
		}
		findings = append(findings, found...)
	}
	return findings
}

// make runs a check, again where that can help: a coordinator that moves, or Kafka's own topics that are just being created.
func (p *patient) make(ctx context.Context, check func(context.Context) ([]Finding, error)) []Finding {
	const tries, pause = 4, time.Second
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	for try := 1; ; try++ {
		found, err := check(ctx)
		if err == nil {
			return found
		}
		e := p.Connection.Explain(err)
		if e.Retry && try < tries {
			select {
			case <-time.After(pause):
				continue
			case <-ctx.Done():
			}
		}
		if e.Fix == "" {
			e.Fix = "try again; if that doesn't help, see the brokers' own logs"
		}
		return append(found, Finding{"", Warning, "not examined: " + e.Text, e.Fix})
	}
}

// reach says whether a broker answers, else why not.
func (p *patient) reach(ctx context.Context) (Finding, bool) {
	ping, cancel := context.WithTimeout(ctx, checkTimeout/2)
	defer cancel()
	err := p.client.Ping(ping)
	if err == nil {
		return Finding{}, true
	}
	look, cancel := context.WithTimeout(ctx, checkTimeout/2)
	defer cancel()
	e := p.Connection.Diagnose(look, err)
	return Finding{"brokers", Problem, e.Text, e.Fix}, false
}
