package wire

import (
	"encoding/json"
	"fmt"
	"time"
)

const announcementVersion = 1

// Roles of a step.
const (
	RoleBegin = "begin"
	RoleStep  = "step"
	RoleEnd   = "end"
	RoleWatch = "watch"
)

// DeadlineExpires says that a saga past its deadline is undone and ends as expired.
const DeadlineExpires = "expire"

// Announcement is what an instance of a service says of itself in the registry topic: at start, as a heartbeat, and when
// it stops. The record's key is service/instance.
type Announcement struct {
	Version  int       `json:"v"`
	Service  string    `json:"service"`
	Instance string    `json:"instance"`
	Time     time.Time `json:"time"`
	Started  time.Time `json:"started"`
	Every    int       `json:"every_ms"` // milliseconds between heartbeats: after three without one the instance counts as down
	Stopped  bool      `json:"stopped,omitempty"`
	Steps    []Step    `json:"steps"`
	Vitals
}

// Vitals are how an instance is at the moment. Announcements of a Skald that didn't know them have none.
type Vitals struct {
	Program    string  `json:"program,omitempty"`    // version of the program that runs the service
	Library    string  `json:"library,omitempty"`    // version of Skald in it
	Draining   bool    `json:"draining,omitempty"`   // it was told to stop and finishes what it has in hand
	Partitions []int32 `json:"partitions,omitempty"` // that it owns, in order
	InHand     int64   `json:"in_hand,omitempty"`    // events that it has accepted and not finished, halted and blocked ones included
	Handled    int64   `json:"handled,omitempty"`    // handlers that it has committed the result of since it was started, undos and failed attempts included
}

// Step is a declaration: one subscription of a service. Topics are without the namespace prefix.
type Step struct {
	Topic        string        `json:"topic"`
	Role         string        `json:"role"`
	Workflow     string        `json:"workflow,omitempty"` // for begin and end
	Deadline     time.Duration `json:"deadline_ns,omitempty"`
	OnDeadline   string        `json:"on_deadline,omitempty"` // DeadlineExpires; or nothing but being overdue
	EndTopic     string        `json:"end_topic,omitempty"`   // for begin: where the workflow ends
	Next         []string      `json:"next,omitempty"`        // default successors
	NextFor      []Successor   `json:"next_for,omitempty"`    // successors for one workflow
	Emits        []string      `json:"emits,omitempty"`
	Compensable  bool          `json:"compensable,omitempty"`
	Attempts     int           `json:"attempts,omitempty"`      // that the step's policy allows in all
	UndoAttempts int           `json:"undo_attempts,omitempty"` // the same for its compensation
	InputSchema  string        `json:"input_schema,omitempty"`
	OutputSchema string        `json:"output_schema,omitempty"`
}

// Successor is where a generic step sends the sagas of one workflow.
type Successor struct {
	Workflow string `json:"workflow"`
	Topic    string `json:"topic"`
}

// Key is the record's key.
func (a Announcement) Key() []byte { return []byte(a.Service + "/" + a.Instance) }

// Encode gives the record's value.
func (a Announcement) Encode() []byte {
	a.Version = announcementVersion
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // plain values only: can't fail
	}
	return b
}

// DecodeAnnouncement reads a record of the registry topic.
func DecodeAnnouncement(value []byte) (Announcement, error) {
	var a Announcement
	if err := json.Unmarshal(value, &a); err != nil {
		return a, fmt.Errorf("no announcement of a service: %w", err)
	}
	if a.Version > announcementVersion {
		return a, fmt.Errorf("announcement version %d is newer than this Skald knows (%d): upgrade it", a.Version, announcementVersion)
	}
	return a, nil
}
