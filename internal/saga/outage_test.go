package saga

import (
	"testing"
	"time"

	"github.com/skald-saga/skald/internal/ledger"
)

// An engine that is told of a probe in the past would poll without a pause: for as long as the probe's handler runs, or for ever if the event
// that met the outage was cancelled or went to another member.
func TestAProbeWhoseTimeHasComeIsNotDue(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := NewMachine("s", nil)
	ledgers := map[int32]*ledger.Ledger{0: ledger.New(time.Hour, 10)}
	m.outages[&Step{}] = &outage{next: now}
	if due := m.NextDue(now, ledgers); !due.IsZero() {
		t.Errorf("due at %v, want nothing", due)
	}
	m.outages[&Step{}] = &outage{next: now.Add(2 * time.Second)}
	m.outages[&Step{}] = &outage{next: now.Add(time.Second)}
	if due := m.NextDue(now, ledgers); !due.Equal(now.Add(time.Second)) {
		t.Errorf("due at %v, want in a second", due)
	}
	ledgers[0].Open(ledger.SagaID{1}, "w", now, now.Add(time.Millisecond))
	if due := m.NextDue(now, ledgers); !due.Equal(now.Add(time.Millisecond)) {
		t.Errorf("due at %v, want the deadline", due)
	}
}
