package kafka

import (
	"fmt"
	"strings"
)

// PartitionCountError is that a topic exists with another partition count.
type PartitionCountError struct {
	Topic      string
	Have, Want int32
	Matching   int // how many of the topics asked for with it have the count that is wanted
}

func (e *PartitionCountError) Error() string {
	const why = "the count decides where each saga lives and can't change while there are any"
	if e.Matching > 0 {
		return fmt.Sprintf("topic %q has %d partitions, but %d are wanted, which %d other topics have: %s. Somebody changed or created this one alone, "+
			"and Kafka can't take partitions away: use another topic prefix, or delete the topic if nothing in it is needed any more",
			e.Topic, e.Have, e.Want, e.Matching, why)
	}
	return fmt.Sprintf("topic %q has %d partitions, but %d are wanted: %s. "+
		"Configure %d partitions, or another topic prefix, or delete the topic if nothing in it is needed any more",
		e.Topic, e.Have, e.Want, why, e.Have)
}

// CreateDeniedError is that topics are missing and the user may not create them.
type CreateDeniedError struct {
	Topics   []TopicSpec
	Commands []string // one per topic, for an administrator

	user, where string
}

func newCreateDeniedError(c Connection, topics []TopicSpec) *CreateDeniedError {
	return &CreateDeniedError{Topics: topics, Commands: c.TopicCommands(topics), user: c.principal(), where: c.where()}
}

func (e *CreateDeniedError) Error() string {
	return e.text() + "; an administrator can create them:\n  " + strings.Join(e.Commands, "\n  ")
}

func (e *CreateDeniedError) text() string {
	names := make([]string, 0, len(e.Topics))
	for _, t := range e.Topics {
		names = append(names, t.Name)
	}
	return fmt.Sprintf("%s may not create topics at %s, and these are missing: %s", e.user, e.where, strings.Join(names, ", "))
}
