package skald

import (
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

func (s *Service) engineService(codec Codec) engine.Service {
	es := engine.Service{Name: s.name}
	for _, st := range s.steps {
		es.Steps = append(es.Steps, st.engineStep(codec))
	}
	return es
}
