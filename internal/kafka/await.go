package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AwaitTopics returns once the topics are there and the leader of each of their partitions answers. It creates none: it is for
// whoever may start before those that do. It tries again for as long as ctx allows, waits for a broker that isn't there as
// WaitForBroker does, and logs what it waits for, again for each new reason; origin is for people: where the topics come from.
//
// An AccessError, or what WaitForBroker gives up for, is returned at once.
func AwaitTopics(ctx context.Context, cl *kgo.Client, logger *slog.Logger, origin string, names ...string) error {
	where, began, said := connectionOf(cl).where(), time.Now(), ""
	for try := 0; ; try++ {
		if err := WaitForBroker(ctx, cl, logger); err != nil {
			return err
		}
		missing, err := absent(ctx, cl, names)
		if final := (*finalError)(nil); errors.As(err, &final) {
			return final.error
		}
		reason := "missing: " + strings.Join(missing, ", ")
		switch {
		case err != nil:
			reason = err.Error()
		case len(missing) == 0:
			if said != "" {
				logger.Info("the topics are there", "brokers", where, "after", time.Since(began).Round(time.Millisecond))
			}
			return nil
		}
		if ctx.Err() == nil && reason != said {
			said = reason
			logger.Warn("waiting for topics", "brokers", where, "why", reason, "origin", origin)
		}
		if ctxErr := sleep(ctx, min(backoff(try), maxTopicBackoff)); ctxErr != nil {
			return fmt.Errorf("waiting for topics at %s: %w (%s; %s)", where, ctxErr, reason, origin)
		}
	}
}

// absent tells which topics are missing. An error that is no finalError may pass.
func absent(ctx context.Context, cl *kgo.Client, names []string) (missing []string, err error) {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("asking for topics: %w", err)
	}
	there := map[string]TopicSpec{}
	for _, t := range resp.Topics {
		if t.Topic == nil {
			continue
		}
		name := *t.Topic
		switch err := kerr.ErrorForCode(t.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			missing = append(missing, name)
		case err != nil && !kerr.IsRetriable(err):
			return nil, &finalError{describedAs(name, err)}
		case err != nil:
			return nil, fmt.Errorf("topic %q: %w", name, err)
		default:
			there[name] = TopicSpec{Name: name, Partitions: int32(len(t.Partitions))}
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return missing, nil
	}
	return nil, answering(ctx, cl, there)
}
