package failures

import (
	"fmt"
	"html/template"
	"time"

	"github.com/skald-saga/skald/internal/console/draw"
	"github.com/skald-saga/skald/internal/console/redrive"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// flow is how the redrive of a cause goes: the canary, and then the others.
type flow struct {
	Cause   string
	Service string
	Open    int64 // letters that could be asked for
	Canary  *canary
	Run     *redrive.State // nil before the first
	Discard bool
	Ahead   string // what the button for the others is called
	Begun   string
	Counts  []count
	Word    string // of the phase
	Glyph   string
	Tone    string
	Left    string // what a redrive leaves out
}

// canary is the letter that went first.
type canary struct {
	Name, URL   string
	Said        string
	Word, Glyph string
	Tone        string
}

// count is one of the three numbers.
type count struct {
	Label, N, Said string
	Bar            template.HTML
}

func (h *handler) flow(c *tracker.Cause) *flow {
	run, ran := h.runner.Of(c.Key)
	if c.Halted == 0 && !ran {
		return nil
	}
	f := &flow{Cause: c.Key, Service: c.Service, Open: c.Halted}
	if n := (&detail{Cause: *c}).decided(); n > 0 {
		f.Left = "Decided sagas are left out: " + words.Thousands(n) + "."
	}
	f.Ahead = "Redrive all " + words.Thousands(f.Open) + "…"
	if f.Open == 1 {
		f.Ahead = "Redrive it…"
	}
	if !ran {
		return f
	}
	f.Run, f.Discard = &run, run.Kind == redrive.Discard
	if run.First != nil && !f.Discard {
		f.Canary = canaryOf(run.First)
		if f.Open > 1 {
			f.Ahead = "Redrive the other " + words.Thousands(f.Open) + "…"
		}
	}
	if run.Letters == 1 && f.Canary != nil {
		return f // the canary's box says it all
	}
	f.Begun = words.TimeOfDay(run.Started)
	if run.By != "" {
		f.Begun += ", by " + visible(run.By)
	}
	f.Word, f.Glyph, f.Tone = phaseOf(&run)
	f.Counts = countsOf(&run, f.Begun)
	return f
}

// Stops says what stops it by itself.
func (f *flow) Stops() string {
	return fmt.Sprintf("Stops by itself when more than %d %% halt again.", redrive.MostAgain)
}

// Others says whether there are letters beside the canary.
func (f *flow) Others() bool { return f.Open > 0 && (f.Run == nil || !f.Run.Asking()) }

// Body of a request for one, and for all.
func (f *flow) One() string { return `{"limit":1}` }

func canaryOf(l *redrive.Letter) *canary {
	c := &canary{Name: visible(l.Subject), URL: "/sagas/" + l.Saga, Said: "Asked for at " + words.TimeOfDay(l.Asked) + "."}
	if c.Name == "" {
		c.Name = l.Saga
	}
	took := ""
	if !l.Known.IsZero() {
		took = " " + words.Lasted(l.Known.Sub(l.Asked)) + " later"
	}
	given := "Redelivered " + words.TimeOfDay(l.Asked)
	switch l.Status {
	case tracker.LetterHalted:
		c.Word, c.Glyph, c.Tone = "asked for", "running", "running"
	case tracker.LetterRedriven:
		c.Word, c.Glyph, c.Tone, c.Said = "on its way", "running", "running", given+", its outcome isn't known yet."
	case wire.Completed:
		c.Word, c.Glyph, c.Tone, c.Said = "passed", "completed", "completed", given+", completed"+took+"."
	case tracker.LetterAgain:
		c.Word, c.Glyph, c.Tone, c.Said = "halted again", "halted", "halted", given+", halted again"+took+"."
	default:
		s := statusOf(l.Status)
		c.Word, c.Glyph, c.Tone, c.Said = s.word, s.glyph, s.tone, given+", "+s.word+took+"."
	}
	return c
}

func phaseOf(s *redrive.State) (word, glyph, tone string) {
	switch s.Phase {
	case redrive.Canary:
		return "waits for the canary", "queued", "running"
	case redrive.Running:
		return verb(s.Kind), "running", "running"
	case redrive.Paused:
		return "paused", "pause", "waiting"
	case redrive.Following:
		return "waiting for outcomes", "running", "running"
	case redrive.Stopped:
		if s.Why != "" {
			return "stopped by itself", "halted", "halted"
		}
		return "stopped", "cancelled", "over"
	}
	return "done", "completed", "completed"
}

func countsOf(s *redrive.State, begun string) []count {
	taken := count{Label: "Redelivered", N: words.Thousands(s.Accepted)}
	if s.Kind == redrive.Discard {
		taken.Label = "Discarded"
	}
	taken.Bar = share("fill-running", s.Accepted, s.Letters)
	taken.Said = words.Thousands(s.Letters-s.Accepted) + " to go"
	switch {
	case s.Phase == redrive.Running:
		taken.Said = fmt.Sprintf("%s a second, %s to go", words.Thousands(s.Rate), words.Thousands(s.Letters-s.Accepted))
	case s.Unanswered > 0:
		taken.Said = words.Thousands(s.Unanswered) + " not answered yet"
	case s.Refused > 0:
		taken.Said = words.Thousands(s.Refused) + " refused"
	case s.Accepted >= s.Letters:
		taken.Said = "all of them"
	}
	known := count{Label: "Outcome known", N: words.Thousands(s.Known())}
	known.Bar = draw.Shares("", draw.Part{Class: "fill-completed", N: float64(s.Completed)}, draw.Part{Class: "fill-halted", N: float64(s.Again)},
		draw.Part{Class: "fill-over", N: float64(s.Otherwise)}, draw.Part{Class: "fill-line", N: float64(max(0, s.Letters-s.Known()))})
	known.Said = ended(*s)
	return []count{{Label: "Requested", N: words.Thousands(s.Letters), Said: begun, Bar: share("fill-running", s.Letters, s.Letters)}, taken, known}
}

// ended says how the sagas of letters ended.
func ended(s redrive.State) string {
	if s.Kind == redrive.Discard {
		return words.Thousands(s.Otherwise) + " ended"
	}
	text := words.Thousands(s.Completed) + " completed, " + words.Thousands(s.Again) + " halted again"
	if s.Otherwise > 0 {
		text += ", " + words.Thousands(s.Otherwise) + " otherwise"
	}
	return text
}

func share(class string, n, of int64) template.HTML {
	return draw.Shares("", draw.Part{Class: class, N: float64(n)}, draw.Part{Class: "fill-line", N: float64(max(0, of-n))})
}

// teller tells who can't see the page what has changed since it was looked at last.
type teller struct {
	phase string
	since time.Time
}

func (t *teller) tell(p *page) []string {
	if p.Cause == nil || p.Cause.Flow == nil || p.Cause.Flow.Run == nil {
		return nil
	}
	s := p.Cause.Flow.Run
	before := *t
	*t = teller{s.Phase, s.Started}
	if before.phase == "" || before == *t {
		return nil
	}
	word, _, _ := phaseOf(s)
	text := fmt.Sprintf("The %s is %s: %s of %s asked for, %s", s.Kind, word, words.Thousands(s.Requested), words.Thousands(s.Letters), ended(*s))
	if s.Why != "" {
		text += ". " + words.Capital(s.Why)
	}
	return []string{text}
}
