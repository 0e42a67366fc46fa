package failures

import (
	"context"
	"strings"
	"time"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

const (
	readTimeout  = 2 * time.Second // that the broker has to give a letter; the page is shown without it otherwise
	mostError    = 64 << 10        // bytes of an error or a stack that are shown
	mostHeader   = 1 << 10         // bytes of a header's value
	mostHeaders  = 100
	mostLineText = 2000 // characters
)

// sample is the event that a letter holds.
type sample struct {
	Place     string
	Saga      string // that it halts; empty for none
	From      string
	Headers   [][2]string
	MoreHeads int
	Payload   *shell.Code
	Size      string
}

// stackLine is a line of an error: what went wrong, who did it, or the rest.
type stackLine struct{ Class, Text string }

// fill looks up what is under the tab.
func (h *handler) fill(ctx context.Context, v view, d *detail) error {
	switch v.Tab {
	case "letters":
		return h.letters(ctx, v, d)
	case "audit":
		return h.asked(ctx, d)
	}
	newest, err := h.b.Tracker.Letters(ctx, tracker.LetterQuery{Cause: v.Cause, Limit: 1})
	if err != nil || len(newest.Letters) == 0 {
		return err
	}
	l := newest.Letters[0]
	text, stack := l.Error, ""
	if v.Tab == "event" || l.Class == wire.ClassPanic {
		whole, err := h.whole(ctx, l)
		if err != nil {
			d.Silent = "The letter itself can’t be read from the broker: " + visible(err.Error())
		} else {
			size := len(whole.Payload)
			whole = h.b.Letter(whole)
			d.Event = sampleOf(&whole, size)
			if l.Status == tracker.LetterHalted {
				d.Event.Saga = l.SagaID
			}
			text, stack = whole.Error, whole.Stack
		}
	}
	if v.Tab == "error" {
		d.Stack = stack != ""
		d.Lines = linesOf(text, stack)
	}
	return nil
}

func (h *handler) whole(ctx context.Context, l tracker.Letter) (skald.DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return h.b.Client.DeadLetter(ctx, l.Partition, l.Offset)
}

// sampleOf shows a letter that is masked; size is that of its payload before.
func sampleOf(l *skald.DeadLetter, size int) *sample {
	s := &sample{
		Place: letterRow{tracker.Letter{Partition: l.Partition, Offset: l.Offset}}.Place(), From: l.Topic,
		Payload: shell.NewCode("Payload", l.Payload), Size: words.Thousands(size) + " bytes",
	}
	if l.Cut > 0 {
		s.Size = "the first " + s.Size + " of " + words.Thousands(l.Cut)
	}
	for i, header := range l.Headers {
		if i == mostHeaders {
			s.MoreHeads = len(l.Headers) - i
			break
		}
		value := header.Value
		end := ""
		if len(value) > mostHeader {
			value, end = value[:mostHeader], "…"
		}
		s.Headers = append(s.Headers, [2]string{visible(header.Key), visible(string(value)) + end})
	}
	return s
}

// linesOf shows an error's first line, and who of a stack's functions is the author's own: neither Skald's nor Go's.
func linesOf(err, stack string) (lines []stackLine) {
	text, cut := err, ""
	if len(text) > mostError {
		text, cut = text[:mostError], "…"
	}
	for i, line := range strings.Split(visible(text)+cut, "\n") {
		class := ""
		if i == 0 {
			class = "hot"
		}
		lines = append(lines, stackLine{class, clipLine(line)})
	}
	if stack == "" {
		return lines
	}
	lines = append(lines, stackLine{})
	if len(stack) > mostError {
		stack, cut = stack[:mostError], "…"
	}
	class := ""
	for line := range strings.SplitSeq(strings.TrimSpace(visible(stack))+cut, "\n") {
		if !strings.HasPrefix(line, "\t") {
			class = ""
			if own(line) {
				class = "own"
			}
		}
		lines = append(lines, stackLine{class, clipLine(line)})
	}
	return lines
}

func own(function string) bool {
	const module = "github.com/skald-saga/skald"
	for _, other := range []string{"goroutine ", "panic(", "runtime.", "runtime/", "created by ", "reflect.", "testing.", module + ".", module + "/internal/", module + "/skaldsql"} {
		if strings.HasPrefix(function, other) {
			return false
		}
	}
	return strings.Contains(function, ".")
}

func clipLine(line string) string {
	if runes := []rune(line); len(runes) > mostLineText {
		return string(runes[:mostLineText]) + "…"
	}
	return line
}
