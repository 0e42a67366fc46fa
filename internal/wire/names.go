package wire

import (
	"fmt"
	"regexp"
	"strings"
)

// Namespace is the prefix of every topic, group and transactional ID, so that many people can share a cluster.
// The zero value is no prefix.
type Namespace string

// Topic is the name on the broker of a workflow's topic.
func (n Namespace) Topic(name string) string { return string(n) + name }

// Name is the inverse of Topic; ok is false for a topic of another namespace.
func (n Namespace) Name(topic string) (name string, ok bool) {
	return strings.CutPrefix(topic, string(n))
}

// Inbox is a service's private input topic.
func (n Namespace) Inbox(service string) string { return n.Topic("skald." + service + ".inbox") }

// Ledger is a service's log of unfinished work.
func (n Namespace) Ledger(service string) string { return n.Topic("skald." + service + ".ledger") }

// Outcomes holds one record per saga: how it ended.
func (n Namespace) Outcomes() string { return n.Topic("skald.outcomes") }

// Cancel holds notices of cancellation from initiators to whoever has the token.
func (n Namespace) Cancel() string { return n.Topic("skald.cancel") }

// DeadLetters holds the events that services gave up on.
func (n Namespace) DeadLetters() string { return n.Topic("skald.dlq") }

// Services is the registry: what each service declares, and heartbeats.
func (n Namespace) Services() string { return n.Topic("skald.services") }

// Group is the consumer group of a service.
func (n Namespace) Group(service string) string { return string(n) + "skald." + service }

// Source is the ce_source of what a service emits.
func Source(service string) string { return "/skald/" + service }

// ServiceOf is the inverse of Source; empty for a foreign source.
func ServiceOf(source string) string {
	service, ok := strings.CutPrefix(source, "/skald/")
	if !ok {
		return ""
	}
	return service
}

var legalName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)

// CheckName refuses what Kafka would refuse as part of a topic's name, or what would clash with Skald's own topics.
func CheckName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s has no name", what)
	case len(name) > 200: // Kafka's limit for a topic is 249; room is left for prefix and suffixes
		return fmt.Errorf("%s %q: the name has %d letters, at most 200 are allowed", what, clip(name), len(name))
	case !legalName.MatchString(name):
		return fmt.Errorf("%s %q: only letters, digits, '.', '_' and '-' are allowed, beginning with a letter or digit", what, name)
	case strings.HasPrefix(name, "skald."):
		return fmt.Errorf("%s %q: names beginning with \"skald.\" are Skald's own", what, name)
	}
	return nil
}
