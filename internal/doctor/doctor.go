// Package doctor examines a Kafka cluster as Skald needs it: whether brokers answer and agree, topics and their replicas are
// sound, services run and keep up, and clocks are right. Each finding comes with a fix that a person can type.
//
// It changes nothing, except that it makes a topic skald.doctor.* (in the namespace) to compare clocks, and deletes it again.
//
// It may import internal/kafka, internal/wire and franz-go. Start reading at [Examine]; each check is a file of its own.
package doctor

import (
	"context"
	"time"

	"github.com/skald-saga/skald/internal/kafka"
)

// Severity says how bad a finding is.
type Severity string

// Severities.
const (
	OK      Severity = "ok"
	Warning Severity = "warning" // sagas go on, for now
	Problem Severity = "problem" // sagas stand still, or can get lost
)

// Finding is what a check found.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	Fix      string   `json:"fix,omitempty"` // what to type or do; empty if there is nothing to mend
}

// Check is something else to examine, such as a store or a mail server. Run must heed its context.
type Check struct {
	Name string
	Run  func(context.Context) []Finding
}

// Defaults of [Config].
const (
	DefaultMaxLag  = 10_000
	DefaultMaxSkew = time.Second
)

// checkTimeout bounds each check.
const checkTimeout = 20 * time.Second

// Config says what to examine.
type Config struct {
	Connection kafka.Connection

	// Prefix is the namespace's.
	Prefix string

	// Topics are wanted to be there, with these counts, beside those that running services declare. Default none.
	Topics []kafka.TopicSpec

	// MaxLag is how many events may wait for a service before that is worth a warning. Default 10,000.
	MaxLag int64

	// MaxSkew is how far clocks may be apart. Default 1 s.
	MaxSkew time.Duration

	// Now is this machine's clock. Default time.Now.
	Now func() time.Time

	// Extra is examined at last.
	Extra []Check
}

// Examine makes all checks, each in at most 20 s. There is at least one finding per check. Where no broker answers
// that is the only finding about Kafka.
func Examine(ctx context.Context, cfg Config) []Finding {
	if cfg.MaxLag == 0 {
		cfg.MaxLag = DefaultMaxLag
	}
	if cfg.MaxSkew == 0 {
		cfg.MaxSkew = DefaultMaxSkew
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	findings := examineKafka(ctx, cfg)
	for _, extra := range cfg.Extra {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		findings = append(findings, extra.Run(ctx)...)
		cancel()
	}
	return findings
}
