package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/skald-saga/skald/internal/kafka"
)

const (
	stampType = "message.timestamp.type"
	onAppend  = "LogAppendTime"

	// why is what clocks are for: timers and deadlines go from one owner to another with their partition.
	why = "timers that move between machines fire as much too early or too late"
)

// examineClocks compares clocks with the brokers'. Kafka has no request that tells the time, but a topic can be told to stamp
// each record when it comes in. A record is written between two looks at our own clock, and the stamp belongs
// somewhere in between: so the difference is known within half of that time, plus the millisecond to which stamps are cut.
func (p *patient) examineClocks(ctx context.Context) ([]Finding, error) {
	measured, err := p.stampedBy(ctx)
	findings := slices.Concat(p.instances(), p.unstamped())
	if err != nil {
		return findings, err
	}
	return append(p.own(measured), findings...), nil
}

// own judges this machine's clock by those of brokers.
func (p *patient) own(measured map[int32]measurement) []Finding {
	var findings []Finding
	var widest measurement
	for _, id := range slices.Sorted(maps.Keys(measured)) {
		m := measured[id]
		if m.ahead.Abs() >= widest.ahead.Abs() {
			widest = m
		}
		if f := p.skewed(fmt.Sprintf("this machine's clock is %s broker %d's", apart(m), id), m); f != nil {
			findings = append(findings, *f)
		}
	}
	switch {
	case len(findings) > 0:
		return findings
	case len(measured) == 0: // the embedded broker does not
		return []Finding{{Severity: OK, Text: "this machine's clock is not compared: no broker has stamped a record"}}
	}
	return []Finding{{Severity: OK, Text: fmt.Sprintf("this machine's clock and those of %s are at most %v apart (measured within %v)",
		count(len(measured), "broker"), widest.ahead.Abs().Round(time.Millisecond), widest.within.Round(100*time.Microsecond))}}
}

// measurement is how far one clock is ahead of another, and how well that is known.
type measurement struct{ ahead, within time.Duration }

func (p *patient) skewed(text string, m measurement) *Finding {
	const grave = 60 // times the limit
	if m.ahead.Abs()-m.within <= p.MaxSkew {
		return nil
	}
	f := &Finding{
		Severity: Warning,
		Text:     fmt.Sprintf("%s (measured within %v): %s", text, m.within.Round(100*time.Microsecond), why),
		Fix:      "let NTP set the clocks of both: timedatectl set-ntp true, and see chronyc tracking",
	}
	if m.ahead.Abs() > grave*p.MaxSkew {
		f.Severity = Problem
	}
	return f
}

// apart says how far a clock is off, in no more digits than were measured.
func apart(m measurement) string {
	digits := time.Millisecond
	for 10*digits <= m.within {
		digits *= 10
	}
	if m.ahead < 0 {
		return fmt.Sprintf("%v behind", m.ahead.Abs().Round(digits))
	}
	return fmt.Sprintf("%v ahead of", m.ahead.Round(digits))
}

// instances compares the clocks of services, by their heartbeats.
func (p *patient) instances() []Finding {
	// How long a heartbeat takes to get there isn't known. That can only make its clock look behind, and of several heartbeats
	// one will have been quick.
	const within, several = 100 * time.Millisecond, 3
	var findings []Finding
	for _, name := range slices.Sorted(maps.Keys(p.services)) {
		s := p.services[name]
		for _, id := range slices.Sorted(maps.Keys(s.instances)) {
			i := s.instances[id]
			if i.last.Stopped || len(i.ahead) == 0 {
				continue
			}
			m := measurement{slices.Max(i.ahead), within}
			if m.ahead < 0 && len(i.ahead) < several {
				continue
			}
			if f := p.skewed(fmt.Sprintf("the clock of %s on %s is %s the broker's", name, id, apart(m)), m); f != nil {
				findings = append(findings, *f)
			}
		}
	}
	return findings
}

// unstamped says so if heartbeats can't tell how clocks go.
func (p *patient) unstamped() []Finding {
	for _, s := range p.services {
		for _, i := range s.instances {
			if len(i.ahead) > 0 {
				return nil
			}
		}
	}
	if len(p.services) == 0 {
		return nil
	}
	registry := p.namespace.Services()
	return []Finding{{
		Severity: OK,
		Text:     fmt.Sprintf("the clocks of services are not compared, as the brokers don't stamp what comes into topic %q", registry),
		Fix: "if you want that: " + p.Connection.Command("kafka-configs.sh", "--alter", "--entity-type", "topics", "--entity-name", kafka.Quote(registry),
			"--add-config", stampType+"="+onAppend),
	}}
}
