package skald_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/skald-saga/skald"
)

// A service's timeout is that of the steps which have none of their own; an absurd one is refused like theirs.
func TestTimeoutOfAService(t *testing.T) {
	step := func(own time.Duration) *skald.Service {
		return skald.NewService("authorizer", skald.Step(authorizeTopic, notifyTopic,
			func(context.Context, authorize) (notify, error) { return notify{}, nil }).Timeout(own))
	}
	for _, absurd := range []time.Duration{-time.Second, 48 * time.Hour} {
		if err := skald.Check(step(0).Timeout(absurd)); err == nil || !strings.Contains(err.Error(), "a timeout of "+absurd.String()) {
			t.Errorf("a timeout of %v: %v", absurd, err)
		}
		if err := skald.Check(step(time.Second).Timeout(absurd)); err != nil {
			t.Errorf("the step's own timeout holds: %v", err)
		}
	}
}
