package api

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

const (
	jsonLines = "application/jsonl"
	csvType   = "text/csv; charset=utf-8; header=present"
)

// sheet is what an export writes to.
type sheet interface {
	mediaType() string
	begin() error
	add(s *tracker.Saga) error
	end() error
}

func sheetOf(w io.Writer, format string) sheet {
	if format == "csv" {
		return &csvSheet{csv.NewWriter(w)}
	}
	buffered := bufio.NewWriterSize(w, 32<<10)
	return &linesSheet{buffered, json.NewEncoder(buffered)}
}

// linesSheet has a saga a line, as the list has it.
type linesSheet struct {
	out     *bufio.Writer
	encoder *json.Encoder
}

func (*linesSheet) mediaType() string           { return jsonLines }
func (*linesSheet) begin() error                { return nil }
func (l *linesSheet) add(s *tracker.Saga) error { return l.encoder.Encode(apiSaga(*s, false)) }
func (l *linesSheet) end() error                { return l.out.Flush() }

// csvSheet has a saga a row.
type csvSheet struct{ out *csv.Writer }

func (*csvSheet) mediaType() string { return csvType }

func (c *csvSheet) begin() error {
	return c.out.Write([]string{
		"id", "workflow", "subject", "status", "outcome", "reason", "started", "ended", "deadline", "overdue", "stuck", "service", "topic", "since", "attempt", "sentence",
	})
}

func (c *csvSheet) add(s *tracker.Saga) error {
	attempt := ""
	if step, ok := s.Current(); ok && step.Attempt > 0 {
		attempt = strconv.Itoa(step.Attempt)
	}
	row := []string{
		s.ID, s.Workflow, s.Subject, s.Status, s.Outcome, s.Reason, stamp(s.Started), stamp(s.Ended), stamp(s.Deadline), strconv.FormatBool(s.Overdue),
		strconv.FormatBool(s.Stuck), s.Service, s.Topic, stamp(s.Since), attempt, s.Sentence(time.Now()),
	}
	for i, cell := range row {
		row[i] = defused(cell)
	}
	return c.out.Write(row)
}

func (c *csvSheet) end() error {
	c.out.Flush()
	return c.out.Error()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// defused keeps a spreadsheet from running what somebody has put into a business key or an error: OWASP, "CSV Injection".
func defused(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
