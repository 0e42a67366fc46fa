package skald

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/skald-saga/skald/internal/wire"
)

// Check finds what is wrong with services before they run: bad names, two steps on one topic, two Go types for one topic, a
// service that begins a workflow without ending it, a branch that doesn't return to its initiator. Every finding says what
// to change; they come joined. Services that aren't given can't be followed: Check all services of a workflow together,
// in a test, and [Run] checks again what it is given.
func Check(services ...*Service) error {
	errs := []error{checkNames(services), checkTypes(services), checkWorkflows(services)}
	for _, s := range services {
		errs = append(errs, s.check())
	}
	for _, s := range services {
		for _, st := range s.steps {
			if st.role == wire.RoleBegin {
				errs = append(errs, checkLoop(services, s, st))
			}
		}
	}
	return errors.Join(errs...)
}

func checkNames(services []*Service) error {
	if len(services) == 0 {
		return errors.New("no services were given: pass at least one")
	}
	var errs []error
	seen := map[string]bool{}
	for _, s := range services {
		if seen[s.name] {
			errs = append(errs, fmt.Errorf("service %q is given twice: give each service once, with all of its steps", s.name))
		}
		seen[s.name] = true
	}
	return errors.Join(errs...)
}

// checkTypes refuses two Go types for one topic name: one of them would misread the other's events.
func checkTypes(services []*Service) error {
	var errs []error
	types := map[string]reflect.Type{}
	users := map[string]string{}
	for _, s := range services {
		for _, st := range s.steps {
			for _, t := range st.topics() {
				known, ok := types[t.name]
				if ok && known != t.typ {
					errs = append(errs, fmt.Errorf("topic %q has two Go types: %s in service %q and %s in service %q: let both use one typed constant",
						t.name, known, users[t.name], t.typ, s.name))
					continue
				}
				types[t.name], users[t.name] = t.typ, s.name
			}
		}
	}
	return errors.Join(errs...)
}

// checkWorkflows refuses one name for two workflows: their sagas would pass for each other's.
func checkWorkflows(services []*Service) error {
	var errs []error
	known := map[string]workflowInfo{}
	for _, s := range services {
		for _, st := range s.steps {
			all := []workflowInfo{st.workflow}
			for _, f := range st.nextFor {
				all = append(all, f.workflow)
			}
			for _, w := range all {
				before, ok := known[w.name]
				if ok && (before.start.name != w.start.name || before.end.name != w.end.name) {
					errs = append(errs, fmt.Errorf("workflow %q is declared in two ways: from %q to %q, and from %q to %q: let all services share one value of skald.NewWorkflow",
						w.name, before.start.name, before.end.name, w.start.name, w.end.name))
				}
				known[w.name] = w
			}
		}
	}
	return errors.Join(errs...)
}

func (st *step) topics() []topicInfo {
	all := []topicInfo{st.in}
	all = append(all, st.next...)
	for _, f := range st.nextFor {
		all = append(all, f.topic)
	}
	return append(all, st.emits...)
}

// check looks at one service alone.
func (s *Service) check() error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("service %q: %w", s.name, fmt.Errorf(format, args...)))
	}
	if err := wire.CheckName("service", s.name); err != nil {
		errs = append(errs, err)
	}
	if len(s.steps) == 0 {
		fail("it has no steps: give NewService at least one")
	}
	inputs := map[string]bool{}
	begins, ends := map[string]bool{}, map[string]bool{}
	for _, st := range s.steps {
		if inputs[st.in.name] {
			fail("two steps take topic %q: a step is known by its input topic, so merge them or use two services", st.in.name)
		}
		inputs[st.in.name] = true
		st.check(fail)
		switch st.role {
		case wire.RoleBegin:
			begins[st.workflow.name] = true
			if err := st.workflow.check(); err != nil {
				errs = append(errs, err)
			}
		case wire.RoleEnd:
			ends[st.workflow.name] = true
		}
	}
	for workflow := range begins {
		if !ends[workflow] {
			fail("it begins workflow %q but doesn't end it: add skald.End for it, as the service that begins a saga also ends it", workflow)
		}
	}
	for workflow := range ends {
		if !begins[workflow] {
			fail("it ends workflow %q but doesn't begin it: add skald.Begin for it, or use skald.Watch to read along", workflow)
		}
	}
	return errors.Join(errs...)
}

// check looks at one step alone.
func (st *step) check(fail func(format string, args ...any)) {
	if st.concurrency < 1 {
		fail("step on %q: concurrency %d, at least 1 is needed", st.in.name, st.concurrency)
	}
	if err := st.retry.check(); err != nil {
		fail("step on %q: %w", st.in.name, err)
	}
	if st.timeout < 0 || st.timeout > maxTimeout {
		fail("step on %q: a timeout of %v: from 0 (none) to %v is allowed", st.in.name, st.timeout, maxTimeout)
	}
	for _, t := range st.topics() {
		if err := t.check(); err != nil {
			fail("step on %q: %w", st.in.name, err)
		}
	}
	if st.noHandler {
		fail("step on %q has no handler: it is nil", st.in.name)
	}
	for i, f := range st.nextFor {
		if slices.ContainsFunc(st.nextFor[:i], func(g successor) bool { return g.workflow.name == f.workflow.name }) {
			fail("step on %q has two successors for workflow %q: keep one For", st.in.name, f.workflow.name)
		}
	}
	if st.role == wire.RoleStep && len(st.next) == 0 {
		fail("step on %q is a Route without successors: name the topics it may choose", st.in.name)
	}
}
