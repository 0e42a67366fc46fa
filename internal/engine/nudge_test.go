package engine

import (
	"context"
	"testing"
	"time"
)

// What comes while the loop polls ends the poll; what came before it ends it at once, and only once.
func TestNudgeEndsThePoll(t *testing.T) {
	x := newExecutions(Service{}, newMetrics(nil, "s"), newVitals(), nil)
	poll := func() (context.Context, context.CancelFunc) { return x.pollContext(context.Background(), time.Hour) }

	ctx, done := poll()
	if ctx.Err() != nil {
		t.Error("a poll ends although nothing has come")
	}
	x.nudge()
	if ctx.Err() == nil {
		t.Error("the poll goes on")
	}
	done()

	x.nudge()
	ctx, done = poll()
	if ctx.Err() == nil {
		t.Error("the next poll doesn't hear of it")
	}
	done()

	ctx, done = poll()
	defer done()
	if ctx.Err() != nil {
		t.Error("a nudge is heard of twice")
	}
}
