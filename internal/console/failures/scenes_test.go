package failures_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	greylisted = "aaaaaaaaaaaa"
	panicked   = "bbbbbbbbbbbb"
	unknown    = "cccccccccccc"
	stack      = `goroutine 71 [running]:
github.com/acme/onboarding/authorizer.(*authorizer).grant(0xc000412000, {0x1, 0x2})
	/src/onboarding/authorizer/authorizer.go:71 +0x1f
github.com/skald-saga/skald/internal/engine.(*session).handle(0xc0003f8c00)
	/src/skald/internal/engine/handle.go:63 +0x22`
)

// failing is a world with letters of three causes.
func failing() *consoletest.World {
	w := consoletest.NewWorld()
	now := time.Now()
	offset := int64(0)
	add := func(l tracker.Letter, ago time.Duration) {
		offset++
		l.Partition, l.Offset, l.ID, l.EventID, l.SagaID = 1, offset, uuid.NewString(), uuid.NewString(), uuid.NewString()
		l.Workflow, l.Subject, l.Time, l.Attempts = "onboarding", fmt.Sprintf("user%d@example.com", offset), now.Add(-ago), 8
		w.AddLetter(l, `{"email":"`+l.Subject+`","serial":12345678901234567890}`, skald.Header{Key: "ce_type", Value: []byte("authorize")}, skald.Header{Key: "odd", Value: []byte("a\x1b<b>\xff")})
		w.Client.Letters[len(w.Client.Letters)-1].Stack = map[bool]string{true: stack}[l.Class == "panic"]
	}
	for i := range 9 {
		add(tracker.Letter{Service: "authorizer", Step: "authorize", Class: "poison", Error: "unknown version 3 of authorize", Cause: unknown, Status: tracker.LetterHalted},
			80*time.Minute-time.Duration(i)*time.Minute)
	}
	for i := range 66 {
		status := tracker.LetterHalted
		switch {
		case i < 28:
			status = "completed"
		case i < 31:
			status = "cancelled"
		}
		add(tracker.Letter{Service: "authorizer", Step: "authorize", Class: "panic", Error: "panic: assignment to entry in nil map", Cause: panicked, Status: status},
			50*time.Minute-time.Duration(i*i/4)*time.Second)
	}
	for i := range 212 {
		add(tracker.Letter{Service: "notifier", Step: "notify", Class: "failed", Error: "SMTP 451 4.7.1 greylisted, try again later", Cause: greylisted, Status: tracker.LetterHalted},
			12*time.Second+time.Duration((211-i)*(211-i)/100)*time.Second)
	}
	w.Known = []tracker.Service{{
		Name: "authorizer", Versions: []string{"v0.4.3"},
		Instances: []tracker.Instance{{Up: true, Started: now.Add(-20 * time.Minute), Version: "v0.4.3"}, {Up: true, Started: now.Add(-21 * time.Minute), Version: "v0.4.3"}, {Started: now.Add(-time.Hour)}},
	}}
	slices.SortStableFunc(w.Log, func(a, b tracker.Letter) int { return a.Time.Compare(b.Time) })
	return w
}
