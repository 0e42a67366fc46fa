package tracker

import (
	"strings"

	"github.com/skald-saga/skald/internal/wire"
)

// sourceKind says what the records of a topic are.
type sourceKind int

const (
	sourceForeign sourceKind = iota // of another namespace, or nothing to read here
	sourceEvents                    // a workflow's topic
	sourceInbox
	sourceLedger
	sourceOutcomes
	sourceLetters
	sourceRegistry
)

// source is a topic as the projection sees it. What is known of it follows from its name alone.
type source struct {
	kind    sourceKind
	name    string // without the namespace prefix
	service string // whose inbox or ledger it is
}

func sourceOf(ns wire.Namespace, topic string) source {
	name, ok := ns.Name(topic)
	if !ok {
		return source{}
	}
	s := source{kind: sourceEvents, name: name}
	own, ok := strings.CutPrefix(name, "skald.")
	if !ok {
		return s
	}
	switch topic {
	case ns.Outcomes():
		s.kind = sourceOutcomes
	case ns.DeadLetters():
		s.kind = sourceLetters
	case ns.Services():
		s.kind = sourceRegistry
	default:
		s.kind = sourceForeign
		if service, ok := strings.CutSuffix(own, ".inbox"); ok {
			s.kind, s.service = sourceInbox, service
		} else if service, ok := strings.CutSuffix(own, ".ledger"); ok {
			s.kind, s.service = sourceLedger, service
		}
	}
	return s
}
