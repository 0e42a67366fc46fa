package tracker

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// ErrNoLetter says that no dead letter lies there, as far as the tracker has read.
var ErrNoLetter = errors.New("no such dead letter")

// Letter is a dead letter, without the event that it holds: that is in the log.
type Letter struct {
	Partition int32 // of the dead-letter topic, with Offset: its coordinates
	Offset    int64
	ID        string // a redrive of it is admitted once
	EventID   string // the ID by which the service knows the event
	SagaID    string // empty if the event belongs to none
	Workflow  string
	Subject   string
	Service   string
	Step      string // input topic
	Class     string
	Error     string
	Attempts  int
	Redrives  int // how often the event had been given back before
	Time      time.Time
	Status    string // see LetterStatuses
	Cause     string // see Cause
}

// LetterQuery selects dead letters; its zero value selects all, the newest first.
type LetterQuery struct {
	Cause  string
	Status string
	Limit  int    // 1 to 1,000; 0 means 50
	Cursor string // LetterPage.Next of the page before
	Oldest bool   // the oldest first
}

// LetterPage is one page of a list.
type LetterPage struct {
	Letters []Letter
	Next    string // empty on the last page
}

// LetterStatuses lists what a dead letter's status can be.
func LetterStatuses() []string {
	return []string{
		LetterHalted, LetterRedriven, LetterAgain, LetterTurned, LetterLoose,
		wire.Completed, wire.Rejected, wire.Cancelled, wire.Expired, wire.Abandoned,
	}
}

// Letters gives one page of the dead letters that the query selects, the newest first.
func (t *Tracker) Letters(ctx context.Context, q LetterQuery) (LetterPage, error) {
	limit, err := checkLimit(q.Limit)
	if err != nil {
		return LetterPage{}, err
	}
	f := store.LetterFilter{Cause: q.Cause, Status: q.Status, Oldest: q.Oldest, Limit: limit + 1}
	if q.Status != "" && !slices.Contains(LetterStatuses(), q.Status) {
		return LetterPage{}, &QueryError{"status", "must be one of " + strings.Join(LetterStatuses(), ", ")}
	}
	if err := checkText("cause", q.Cause, maxName); err != nil {
		return LetterPage{}, err
	}
	if q.Cursor != "" {
		place, err := decodeLetterCursor(q.Cursor)
		if err != nil {
			return LetterPage{}, err
		}
		f.After = &place
	}
	rows, err := t.cfg.Store.Letters(ctx, f)
	if err != nil {
		return LetterPage{}, err
	}
	page := LetterPage{}
	if len(rows) > limit {
		rows = rows[:limit]
		page.Next = encodeLetterCursor(rows[limit-1].Place())
	}
	for i := range rows {
		page.Letters = append(page.Letters, letterOf(&rows[i]))
	}
	return page, nil
}

// Letter gives the dead letter at that place of the dead-letter topic, or [ErrNoLetter].
func (t *Tracker) Letter(ctx context.Context, partition int32, offset int64) (Letter, error) {
	row, err := t.cfg.Store.Letter(ctx, partition, offset)
	if err == nil && row == nil {
		err = ErrNoLetter
	}
	if err != nil {
		return Letter{}, err
	}
	return letterOf(row), nil
}

// LettersAt gives the dead letters that lie at these places, in no order. Those that the tracker doesn't know are left out. At most 1,000 places.
func (t *Tracker) LettersAt(ctx context.Context, places []LetterPlace) ([]Letter, error) {
	if len(places) > maxLimit {
		return nil, &QueryError{"places", fmt.Sprintf("at most %d at once", maxLimit)}
	}
	asked := make([]store.LetterPlace, len(places))
	for i, p := range places {
		asked[i] = store.LetterPlace{Partition: int64(p.Partition), Offset: p.Offset}
	}
	rows, err := t.cfg.Store.LettersAt(ctx, asked)
	if err != nil {
		return nil, err
	}
	letters := make([]Letter, len(rows))
	for i := range rows {
		letters[i] = letterOf(&rows[i])
	}
	return letters, nil
}

// Initiator says which service begins and ends the sagas of a workflow, "" if none has declared it.
func (t *Tracker) Initiator(workflow string) string { return t.registry.initiator(workflow) }

func letterOf(l *store.Letter) Letter {
	letter := Letter{
		Partition: l.Partition, Offset: l.Offset, ID: l.ID, EventID: l.Event, Workflow: l.Workflow, Subject: l.Subject, Service: l.Service,
		Step: l.Step, Class: l.Class, Error: l.Error, Attempts: l.Attempts, Redrives: l.Redrives, Time: at(l.Time), Status: l.Status, Cause: l.Cause,
	}
	if l.Saga != (store.SagaID{}) {
		letter.SagaID = uuid.UUID(l.Saga).String()
	}
	return letter
}

func encodeLetterCursor(p store.LetterPlace) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.Time))
	b = binary.BigEndian.AppendUint64(b, uint64(p.Partition))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(p.Offset)))
}

func decodeLetterCursor(s string) (store.LetterPlace, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 24 {
		return store.LetterPlace{}, &QueryError{"cursor", "isn't one that a page before this one gave as its next"}
	}
	return store.LetterPlace{
		Time: int64(binary.BigEndian.Uint64(b)), Partition: int64(binary.BigEndian.Uint64(b[8:])), Offset: int64(binary.BigEndian.Uint64(b[16:])),
	}, nil
}
