package tracker

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

// RoleRoute is the role of a step that chooses one of several successors. The other roles are wire.RoleBegin and so on.
const RoleRoute = "route"

// Declaration is what a service says it reads and writes.
type Declaration struct {
	Service  string
	Versions []string // see Service.Versions
	Steps    []DeclaredStep
}

// DeclaredStep is one subscription of a service. Topics are without the namespace prefix.
type DeclaredStep struct {
	Role         string            // wire.RoleBegin, wire.RoleStep, RoleRoute, wire.RoleEnd or wire.RoleWatch
	Workflow     string            // of begin and end
	Topic        string            // that it reads
	EndTopic     string            // of begin: where the workflow ends
	Next         []string          // where it sends on; of a route: one of these
	NextFor      map[string]string // the same for the sagas of one workflow
	Emits        []string          // events outside the saga
	Compensates  bool
	Attempts     int // that its policy allows in all
	UndoAttempts int // the same for its compensation
	Deadline     time.Duration
	OnDeadline   string // wire.DeadlineExpires; or nothing but being overdue
	InputSchema  string
	OutputSchema string
}

// Declared tells what services say that they read and write, by name. Of a service's instances that one counts that was started last of those
// that are up, else the one that was started last. Those that haven't been heard of for long count as well, as their topics are read still.
func (t *Tracker) Declared(context.Context) ([]Declaration, error) {
	return t.registry.declarations(time.Now()), nil
}

func (r *registry) declarations(now time.Time) []Declaration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	byName := map[string][]*instance{}
	for _, i := range r.instances {
		byName[i.Service] = append(byName[i.Service], i)
	}
	all := make([]Declaration, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		instances := r.bestFirst(byName[name], now)
		d := Declaration{Service: name, Versions: r.versions(instances, now)}
		for _, s := range instances[0].Steps {
			d.Steps = append(d.Steps, declaredStep(s))
		}
		all = append(all, d)
	}
	return all
}

// bestFirst sorts a service's instances: those that are up first, of these the ones that were started last.
func (r *registry) bestFirst(instances []*instance, now time.Time) []*instance {
	down := func(i *instance) int {
		if r.isUp(i, now) {
			return 0
		}
		return 1
	}
	slices.SortFunc(instances, func(a, b *instance) int {
		return cmp.Or(cmp.Compare(down(a), down(b)), b.Started.Compare(a.Started), strings.Compare(a.Instance, b.Instance))
	})
	return instances
}

// versions gives those of the instances that are up, else that of the first; instances are sorted.
func (r *registry) versions(instances []*instance, now time.Time) (all []string) {
	for i, instance := range instances {
		if i > 0 && !r.isUp(instance, now) {
			break
		}
		if v := instance.Program; v != "" && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

func declaredStep(s wire.Step) DeclaredStep {
	d := DeclaredStep{
		Role: s.Role, Workflow: s.Workflow, Topic: s.Topic, EndTopic: s.EndTopic, Next: slices.Clone(s.Next), Emits: slices.Clone(s.Emits),
		Compensates: s.Compensable, Attempts: s.Attempts, UndoAttempts: s.UndoAttempts, Deadline: s.Deadline, OnDeadline: s.OnDeadline,
		InputSchema: s.InputSchema, OutputSchema: s.OutputSchema,
	}
	if s.Role == wire.RoleStep && len(s.Next) > 1 {
		d.Role = RoleRoute
	}
	if len(s.NextFor) > 0 {
		d.NextFor = make(map[string]string, len(s.NextFor))
		for _, f := range s.NextFor {
			d.NextFor[f.Workflow] = f.Topic
		}
	}
	return d
}
