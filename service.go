package skald

import (
	"context"
	"time"

	"github.com/skald-saga/skald/internal/engine"
)

// Service is a single-responsibility service: a name and its steps. It becomes alive in [Run].
type Service struct {
	name  string
	steps []*step
}

// NewService declares a service. The name goes into topic, group and transactional IDs: keep it for ever. What is wrong with
// the declaration is said by [Check], which [Run] calls first.
func NewService(name string, steps ...AnyStep) *Service {
	s := &Service{name: name}
	for _, st := range steps {
		s.steps = append(s.steps, st.declaration())
	}
	return s
}

// Name is the service's name.
func (s *Service) Name() string { return s.name }

// Handler is a call of a step's handler, stripped of its types: the context carries [SagaID] and so on.
type Handler func(ctx context.Context) error

// Around puts something around every handler of the service: timing, tracing, or a demo's faults. It is called for each
// handler call with the handler (or what an earlier Around made of it) and returns what is called instead.
func (s *Service) Around(wrap func(next Handler) Handler) *Service {
	for _, st := range s.steps {
		st.around = append(st.around, wrap)
	}
	return s
}

// Timeout bounds one attempt of every step that has no [Subscription.Timeout] of its own: how long it may take is known
// where the service runs rather than where it is written. The default, 0, is no bound.
func (s *Service) Timeout(d time.Duration) *Service {
	for _, st := range s.steps {
		if st.timeout == 0 {
			st.timeout = d
		}
	}
	return s
}

func (s *Service) engineService(codec Codec) engine.Service {
	es := engine.Service{Name: s.name}
	for _, st := range s.steps {
		es.Steps = append(es.Steps, st.engineStep(codec))
	}
	return es
}
