package failures

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/skald-saga/skald/internal/console/shell"
	"github.com/skald-saga/skald/internal/console/words"
	"github.com/skald-saga/skald/internal/tracker"
	"github.com/skald-saga/skald/internal/wire"
)

// detail is the cause that one looks at.
type detail struct {
	tracker.Cause
	View   view
	Tabs   []segment
	Hint   string // that a redrive may pass
	SagaID string // of the one halted saga; empty if there are more
	Flow   *flow  // nil if there is nothing to do, and nothing was done

	// Under the tab, whole pages only.
	Lines  []stackLine
	Stack  bool
	Event  *sample
	Rows   []letterRow
	Pager  shell.Pager
	Asked  []tracker.AuditEntry
	Silent string // why something of the letter can't be shown
}

func (h *handler) detail(ctx context.Context, v view, c *tracker.Cause) (*detail, error) {
	d := &detail{Cause: *c, View: v}
	for i, t := range []string{"Sample error", "Sample event", "Letters", "Audit"} {
		s := segment{Title: t, URL: v.With(tabs[i]).URL(), Current: v.Tab == tabs[i]}
		if tabs[i] == "letters" {
			s.N = c.Letters
		}
		d.Tabs = append(d.Tabs, s)
	}
	var err error
	if d.Hint, err = h.hint(ctx, c); err != nil {
		return nil, err
	}
	d.Flow = h.flow(c)
	return d, nil
}

// Title is the error's first line.
func (d *detail) Title() string { return title(d.Error, 300) }

// Said is the sentence under it: how many letters, since when, what has become of them.
func (d *detail) Said() string {
	s := words.Plural(d.Letters, "letter") + " since " + moment(d.First)
	if d.Letters == 1 {
		s = "1 letter, at " + moment(d.First)
	} else if !d.Last.Equal(d.First) {
		s += ", last at " + moment(d.Last)
	}
	var parts []string
	add := func(n int64, what string) {
		if n > 0 {
			parts = append(parts, words.Thousands(n)+" "+what)
		}
	}
	add(d.Completed, "redriven and done")
	add(d.Redriven, "redriven and on the way")
	add(d.ByStatus[tracker.LetterAgain], "halted again")
	add(d.decided(), "decided otherwise")
	add(d.ByStatus[tracker.LetterLoose], "of no saga")
	add(d.Halted, "open")
	return s + "; " + words.Listed(parts) + "."
}

// decided counts letters whose sagas have ended, or are being undone: a redrive leaves them out.
func (d *detail) decided() int64 {
	return d.ByStatus[tracker.LetterTurned] + d.ByStatus[wire.Abandoned] + d.ByStatus[wire.Cancelled] + d.ByStatus[wire.Rejected] + d.ByStatus[wire.Expired]
}

// Sagas is the list of the sagas with a letter of this cause: those that it halts, if there are any.
func (d *detail) Sagas() string {
	query := url.Values{"cause": {d.Key}}
	if d.Halted > 0 {
		query.Set("status", tracker.Halted)
	}
	return "/sagas?" + query.Encode()
}

// hint says so when nothing has failed since all instances of the service were started anew.
func (h *handler) hint(ctx context.Context, c *tracker.Cause) (string, error) {
	if c.Halted == 0 {
		return "", nil
	}
	known, err := h.b.Tracker.Services(ctx)
	if err != nil {
		return "", err
	}
	for _, s := range known {
		if s.Name != c.Service {
			continue
		}
		running, since, version := 0, time.Time{}, ""
		for _, i := range s.Instances {
			if !i.Up {
				continue
			}
			if !i.Started.After(c.Last) {
				return "", nil
			}
			running++
			version = i.Version
			if since.IsZero() || i.Started.Before(since) {
				since = i.Started
			}
		}
		if running == 0 {
			return "", nil
		}
		on := "its one instance"
		if running > 1 {
			on = fmt.Sprintf("all %d instances", running)
		}
		if len(s.Versions) != 1 || version == "" || version == "(devel)" {
			return fmt.Sprintf("None since %s. %s was started anew at %s, on %s: a redrive may pass if that mended it.", moment(c.Last), words.Capital(s.Name), moment(since), on), nil
		}
		return fmt.Sprintf("None since %s. %s %s has run since %s on %s, so a redrive is likely to pass.", moment(c.Last), s.Name, version, moment(since), on), nil
	}
	return "", nil
}

// letterRow is one letter in the list.
type letterRow struct{ tracker.Letter }

func (l letterRow) ElementID() string { return fmt.Sprintf("letter-%d-%d", l.Partition, l.Offset) }
func (l letterRow) Place() string     { return fmt.Sprintf("%d/%d", l.Partition, l.Offset) }
func (l letterRow) When() string      { return moment(l.Time) }
func (l letterRow) Name() string      { return visible(cmp.Or(l.Subject, l.SagaID, "of no saga")) }
func (l letterRow) Halts() bool       { return l.Status == tracker.LetterHalted && l.SagaID != "" }

// Word is the status in words, and Glyph the symbol beside it.
func (l letterRow) Word() string  { return statusOf(l.Status).word }
func (l letterRow) Glyph() string { return statusOf(l.Status).glyph }
func (l letterRow) Tone() string  { return statusOf(l.Status).tone }

type letterStatus struct{ word, glyph, tone string }

func statusOf(status string) letterStatus {
	switch status {
	case tracker.LetterHalted:
		return letterStatus{"Open", "halted", "halted"}
	case tracker.LetterRedriven:
		return letterStatus{"Redriven", "running", "running"}
	case tracker.LetterAgain:
		return letterStatus{"Halted again", "halted", "over"}
	case tracker.LetterTurned:
		return letterStatus{"Being undone", "compensating", "compensating"}
	case tracker.LetterLoose:
		return letterStatus{"Of no saga", "abandoned", "over"}
	}
	return letterStatus{words.Capital(status), status, status}
}

// letters fills in one page of the list.
func (h *handler) letters(ctx context.Context, v view, d *detail) error {
	found, err := h.b.Tracker.Letters(ctx, tracker.LetterQuery{Cause: v.Cause, Cursor: v.Cursor, Limit: mostRows})
	if err != nil {
		return err
	}
	for _, l := range found.Letters {
		d.Rows = append(d.Rows, letterRow{l})
	}
	d.Pager = shell.Pager{Said: words.Plural(len(d.Rows), "letter") + " of " + words.Thousands(d.Letters) + ", the newest first", Onward: "Older"}
	if v.Cursor != "" {
		d.Pager.First = v.From("").URL()
	}
	if found.Next != "" {
		d.Pager.Next = v.From(found.Next).URL()
	}
	return nil
}
