package skald

import (
	"fmt"
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/wire"
)

// Workflow is a kind of saga: a name and its two ends. Start is the type of the event that begins a saga, End that of the
// event that comes home to the initiator.
type Workflow[Start, End any] struct {
	workflowInfo
	startTopic Topic[Start]
	subject    func(Start) string
}

// AnyWorkflow is a [Workflow] of whatever types. Only *Workflow implements it.
type AnyWorkflow interface {
	Name() string
	workflow() workflowInfo
}

type workflowInfo struct {
	name       string
	start, end topicInfo
	deadline   time.Duration
	expires    bool
}

// NewWorkflow declares a workflow: its name, the topic where its sagas start and the topic on which they come home.
func NewWorkflow[Start, End any](name string, start Topic[Start], end Topic[End]) *Workflow[Start, End] {
	return &Workflow[Start, End]{
		workflowInfo: workflowInfo{name: name, start: start.info(), end: end.info()},
		startTopic:   start,
	}
}

// Subject sets the business key by which people search for a saga, e.g. a user's mail address. It becomes ce_subject.
func (w *Workflow[Start, End]) Subject(of func(Start) string) *Workflow[Start, End] {
	w.subject = of
	return w
}

// OnDeadline says what happens to a saga past its deadline.
type OnDeadline bool

// What happens to a saga past its deadline.
const (
	Alert  OnDeadline = false // it shows as overdue, and goes on
	Expire OnDeadline = true  // what was done is undone, and the saga ends as expired
)

// Deadline sets how long a saga may take, from when the initiator accepts its start. The default, 0, is no deadline. A saga that completes
// in the same transaction in which its deadline passes is completed.
func (w *Workflow[Start, End]) Deadline(d time.Duration, then ...OnDeadline) *Workflow[Start, End] {
	w.deadline, w.expires = d, slices.Contains(then, Expire)
	return w
}

// maxDeadline is ten years: more is a mistake in the unit.
const maxDeadline = 10 * 365 * 24 * time.Hour

// Name is the workflow's name.
func (w *Workflow[Start, End]) Name() string { return w.name }

func (w *Workflow[Start, End]) workflow() workflowInfo { return w.workflowInfo }

func (w workflowInfo) check() error {
	if err := wire.CheckName("workflow", w.name); err != nil {
		return err
	}
	if w.deadline < 0 || w.deadline > maxDeadline {
		return fmt.Errorf("workflow %q: a deadline of %v: from 0 (none) to %v is allowed", w.name, w.deadline, maxDeadline)
	}
	if err := w.start.check(); err != nil {
		return err
	}
	return w.end.check()
}
