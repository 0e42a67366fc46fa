package skald

import (
	"context"
	"time"

	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/engine"
	"github.com/skald-saga/skald/internal/saga"
	"github.com/skald-saga/skald/internal/wire"
)

// DefaultConcurrency is how many handlers of one step run at a time in one process, unless [Subscription.Concurrency] says
// otherwise. A handler that waits costs a goroutine only, so it is high; lower it for what guards a scarce thing.
const DefaultConcurrency = 1000

// Subscription is one step of a service: an input topic, a handler, and where its output goes. Make one with [Begin], [Step],
// [Route], [End] or [Watch], and give it to [NewService].
//
// Handlers are called at least once per event, one at a time per saga and concurrently across sagas. What they return goes
// to Kafka exactly once, in the transaction that marks their input as done. After a crash, a rebalance or a freeze a handler
// may run again, even beside itself in another process: key its effects by [IdempotencyKey].
type Subscription[In, Out any] struct{ *step }

// AnyStep is a [Subscription] of whatever types. Only *Subscription implements it.
type AnyStep interface{ declaration() *step }

// step is a subscription without its type parameters.
type step struct {
	role        string
	workflow    workflowInfo
	in          topicInfo
	next        []topicInfo // default successors; more than one for Route
	nextFor     []successor
	emits       []topicInfo
	concurrency int
	undo        func(ctx context.Context, in, out []byte, codec Codec) error // nil when the step can't be undone
	retry       RetryPolicy
	timeout     time.Duration
	noHandler   bool
	subject     func(payload []byte, codec Codec) string
	readable    func(payload []byte, codec Codec) error
	around      []func(Handler) Handler

	// handle decodes, calls and says what was produced, still as values.
	handle func(ctx context.Context, payload []byte, codec Codec) ([]Event, error)
}

type successor struct {
	workflow workflowInfo
	topic    topicInfo
}

func (s *step) declaration() *step { return s }

// Begin is the initiator's first step: it takes the workflow's start and sends the saga on its way to next. A service that
// begins a workflow must also end it, with [End].
func Begin[Start, End, Out any](w *Workflow[Start, End], next Topic[Out], handler func(context.Context, Start) (Out, error)) *Subscription[Start, Out] {
	s := newStep(wire.RoleBegin, w.start, handler)
	s.workflow = w.workflowInfo
	s.next = []topicInfo{next.info()}
	if w.subject != nil {
		s.subject = func(payload []byte, codec Codec) string {
			in, err := decode[Start](payload, codec)
			if err != nil {
				return ""
			}
			return w.subject(in)
		}
	}
	return s
}

// Step is a step between the ends: it takes an event from in and produces one to out. It serves every workflow that sends
// to it (see [Subscription.For]), and events of no saga as well: their output belongs to none either.
func Step[In, Out any](in Topic[In], out Topic[Out], handler func(context.Context, In) (Out, error)) *Subscription[In, Out] {
	s := newStep(wire.RoleStep, in.info(), handler)
	s.next = []topicInfo{out.info()}
	return s
}

// Route is a step whose handler chooses one of several successors, by returning topic.Event(value) of one of them.
// Another topic makes the event a dead letter.
func Route[In any](in Topic[In], handler func(context.Context, In) (Event, error), successors ...AnyTopic) *Subscription[In, Event] {
	s := newStep(wire.RoleStep, in.info(), handler)
	for _, t := range successors {
		s.next = append(s.next, t.info())
	}
	return s
}

// End is the initiator's last step: the saga has come home. When handler returns nil the saga is completed, in the same
// transaction. Events on that topic which belong to other workflows, or to sagas that aren't open here, are passed over.
func End[Start, End any](w *Workflow[Start, End], handler func(context.Context, End) error) *Subscription[End, None] {
	s := newStep(wire.RoleEnd, w.end, withoutOutput(handler))
	s.workflow = w.workflowInfo
	return s
}

// Watch reads along on a topic without being part of any saga: it is called for every event, its errors make dead letters
// and never halt a saga.
func Watch[In any](in Topic[In], handler func(context.Context, In) error) *Subscription[In, None] {
	return newStep(wire.RoleWatch, in.info(), withoutOutput(handler))
}

// None is the output of a step that has none.
type None struct{}

// Compensate declares how the step is undone, when its saga is rejected, cancelled, expired or abandoned: in the reverse order of the
// steps, each service its own. out is nil when the step may have begun but never finished; the step that rejects the saga is
// undone as well, as another instance may have tried it before. In undo, [IdempotencyKey] is the key of what is undone, so that
// skaldsql.Undo finds it. An undo that fails is tried longer than the step; then it is blocked until a person decides, and never skipped.
//
// in and out travel with the saga on its routing slip: together at most 64 KiB and 256 steps per saga. For a [Route] out is empty.
func (s *Subscription[In, Out]) Compensate(undo func(ctx context.Context, in In, out *Out) error) *Subscription[In, Out] {
	if undo == nil {
		s.undo = nil
		return s
	}
	s.undo = func(ctx context.Context, in, out []byte, codec Codec) error {
		value, err := decode[In](in, codec)
		if err != nil && out == nil {
			return nil // the handler was never called with it
		}
		if err != nil {
			return Poison(err)
		}
		var result *Out
		if out != nil {
			result = new(Out)
			if _, routed := any(result).(*Event); !routed { // which topic a Route chose isn't on the slip
				*result, err = decode[Out](out, codec)
			}
			if err != nil {
				return Poison(err)
			}
		}
		return s.run(ctx, func(ctx context.Context) error { return undo(ctx, value, result) })
	}
	return s
}

// Retry sets how often the step is tried, and how long after a failed attempt the next one comes. Default [DefaultRetry]. Nothing waits
// for an attempt but its saga; no crash loses or doubles it.
func (s *Subscription[In, Out]) Retry(p RetryPolicy) *Subscription[In, Out] {
	s.retry = p
	return s
}

// Timeout bounds one attempt: then the handler's context ends, and the attempt has failed. The next one begins only when the handler
// has returned; one that doesn't return blocks its saga, visibly, and holds its place among the step's handlers. The
// default, 0, is no bound. It holds for the compensation as well.
func (s *Subscription[In, Out]) Timeout(d time.Duration) *Subscription[In, Out] {
	s.timeout = d
	return s
}

// Concurrency bounds how many handlers of this step run at a time in one process. Default [DefaultConcurrency].
func (s *Subscription[In, Out]) Concurrency(n int) *Subscription[In, Out] {
	s.concurrency = n
	return s
}

// For sends the sagas of one workflow to another topic than the default one: how a generic step serves several workflows.
func (s *Subscription[In, Out]) For(w AnyWorkflow, out Topic[Out]) *Subscription[In, Out] {
	s.nextFor = append(s.nextFor, successor{w.workflow(), out.info()})
	return s
}

// Emits declares the topics to which the handler may [Emit].
func (s *Subscription[In, Out]) Emits(topics ...AnyTopic) *Subscription[In, Out] {
	for _, t := range topics {
		s.emits = append(s.emits, t.info())
	}
	return s
}

func newStep[In, Out any](role string, in topicInfo, handler func(context.Context, In) (Out, error)) *Subscription[In, Out] {
	s := &step{role: role, in: in, concurrency: DefaultConcurrency, retry: DefaultRetry, noHandler: handler == nil}
	s.readable = func(payload []byte, codec Codec) error {
		_, err := decode[In](payload, codec)
		return err
	}
	s.handle = func(ctx context.Context, payload []byte, codec Codec) ([]Event, error) {
		in, err := decode[In](payload, codec)
		if err != nil {
			return nil, Poison(err)
		}
		var out Out
		err = s.run(ctx, func(ctx context.Context) (err error) {
			out, err = handler(ctx, in)
			return err
		})
		if err != nil {
			return nil, err
		}
		return s.outputs(call.From(ctx), out)
	}
	return &Subscription[In, Out]{s}
}

// run calls a handler with what is around it.
func (s *step) run(ctx context.Context, handler Handler) error {
	for _, wrap := range s.around {
		handler = wrap(handler)
	}
	return handler(ctx)
}

func withoutOutput[In any](handler func(context.Context, In) error) func(context.Context, In) (None, error) {
	if handler == nil {
		return nil
	}
	return func(ctx context.Context, in In) (None, error) { return None{}, handler(ctx, in) }
}

// declare gives what other services and the tracker are told of the step.
func (s *step) declare() wire.Step {
	d := wire.Step{
		Topic: s.in.name, Role: s.role, Workflow: s.workflow.name, Compensable: s.undo != nil,
		InputSchema: s.in.schema,
	}
	if s.role == wire.RoleBegin {
		d.Deadline, d.EndTopic = s.workflow.deadline, s.workflow.end.name
		if s.workflow.expires {
			d.OnDeadline = wire.DeadlineExpires
		}
	}
	for _, t := range s.next {
		d.Next = append(d.Next, t.name)
	}
	for _, f := range s.nextFor {
		d.NextFor = append(d.NextFor, wire.Successor{Workflow: f.workflow.name, Topic: f.topic.name})
	}
	for _, t := range s.emits {
		d.Emits = append(d.Emits, t.name)
	}
	if len(s.next) == 1 {
		d.OutputSchema = s.next[0].schema
	}
	return d
}

// engineStep strips the step of its types.
func (s *step) engineStep(codec Codec) engine.Step {
	es := engine.Step{
		Step: saga.Step{
			Step: s.declare(), SchemaVersion: s.in.version, Concurrency: s.concurrency,
			Retry: saga.Policy(s.retry), Timeout: s.timeout,
			Readable: func(e *wire.Event) error { return s.readable(e.Payload, codec) },
			Subject:  func(*wire.Event) string { return "" },
		},
		Handle: func(ctx context.Context, e *wire.Event) ([]engine.Output, error) {
			events, err := s.handle(ctx, e.Payload, codec)
			if err != nil {
				return nil, err
			}
			return encodeAll(events, codec)
		},
	}
	if s.undo != nil {
		es.Undo = func(ctx context.Context, stop wire.Stop) error { return s.undo(ctx, stop.In, stop.Out, codec) }
	}
	if s.subject != nil {
		es.Subject = func(e *wire.Event) string { return s.subject(e.Payload, codec) }
	}
	return es
}
