package engine

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A handler's context must be told from one of context.WithCancel by nobody, whether it is looked at before or after its end.
func TestHandlerContext(t *testing.T) {
	type key struct{}
	cause := errors.New("the session's end")
	session := func() (context.Context, context.CancelCauseFunc) {
		return context.WithCancelCause(context.WithValue(context.Background(), key{}, "value"))
	}
	ended := func(t *testing.T, ctx context.Context, why error) {
		t.Helper()
		select {
		case <-ctx.Done():
		default:
			t.Error("Done is open")
		}
		if !errors.Is(ctx.Err(), context.Canceled) || !errors.Is(context.Cause(ctx), why) {
			t.Errorf("Err is %v, Cause %v, but it has ended because of %v", ctx.Err(), context.Cause(ctx), why)
		}
	}
	looks := map[string]func(context.Context){
		"never": func(context.Context) {},
		"Done":  func(ctx context.Context) { ctx.Done() },
		"Err":   func(ctx context.Context) { _ = ctx.Err() },
		"Value": func(ctx context.Context) { _ = ctx.Value(key{}) },
		"a child's": func(ctx context.Context) {
			_, cancel := context.WithTimeout(ctx, time.Hour)
			t.Cleanup(cancel)
		},
	}
	for name, look := range looks {
		t.Run("looked at before: "+name, func(t *testing.T) {
			parent, stop := session()
			defer stop(nil)
			c := &handlerContext{parent: parent}
			look(c)
			if c.Err() != nil || context.Cause(c) != nil || c.Value(key{}) != "value" {
				t.Errorf("before its end: Err %v, Cause %v, Value %v", c.Err(), context.Cause(c), c.Value(key{}))
			}
			c.end()
			c.end()
			if !errors.Is(context.Cause(c), context.Canceled) { // asked for first, as it takes the way by Value
				t.Errorf("Cause is %v", context.Cause(c))
			}
			ended(t, c, context.Canceled)
			if parent.Err() != nil {
				t.Error("the end of a handler's context ended the session's")
			}
			if c.Value(key{}) != "value" {
				t.Error("it lost its parent's values")
			}
		})
		t.Run("the parent ends, looked at before: "+name, func(t *testing.T) {
			parent, stop := session()
			c := &handlerContext{parent: parent}
			look(c)
			stop(cause)
			ended(t, c, cause)
			c.end()
			ended(t, c, cause)
		})
	}
	t.Run("children end with it", func(t *testing.T) {
		parent, stop := session()
		defer stop(nil)
		c := &handlerContext{parent: parent}
		child, cancel := context.WithCancel(c)
		defer cancel()
		c.end()
		ended(t, child, context.Canceled) // at once: it is entered with the real one, and needs no goroutine that waits
		late, cancelLate := context.WithCancel(c)
		defer cancelLate()
		ended(t, late, context.Canceled)
	})
}
