// Package audit notes what people and programs ask the console to do, refused or not, and shows it. Record notes; page.go shows.
package audit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/backend"
	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/tracker"
)

const (
	writeTimeout = 5 * time.Second
	mostAnswer   = 4 << 10 // bytes of an answer that are looked at
	mostText     = 500     // characters of one field
)

// Record notes every request that isn't a reading, once it is answered: in the log and, but for dry runs that only count, in the tracker's audit. If the latter can't be
// written, what was asked for is done all the same, and the log says both. operation gives a request's operation and the pattern of its path.
func Record(b *backend.Backend, operation func(*http.Request) (id, path string), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if access.Reads(r) {
			next.ServeHTTP(w, r)
			return
		}
		id, path := operation(r)
		asked, answered := &body{from: r.Body}, &answer{ResponseWriter: w, status: http.StatusOK}
		r.Body = asked
		next.ServeHTTP(answered, r)
		who, input := access.Of(r.Context()), inputOf(asked.read.Bytes())
		e := tracker.AuditEntry{
			Time: time.Now(), Who: plain(cmp.Or(who.Name, input.by)), Role: string(who.Role), From: plain(who.From), Action: cmp.Or(id, plain(r.Method+" "+r.URL.Path)),
			About: plain(about(path, r.URL.Path)), Input: plain(input.rest), Status: answered.status, Answer: plain(said(answered.read.Bytes())),
		}
		b.Logger.Info("asked for", "who", e.Who, "role", e.Role, "from", e.From, "action", e.Action, "about", e.About, "input", e.Input, "status", e.Status, "answer", e.Answer)
		if input.dry && answered.status == http.StatusOK {
			return // it asked how many, as a reading does: a page does so whenever its filter changes
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), writeTimeout)
		defer cancel()
		if err := b.Tracker.AddAudit(ctx, e); err != nil {
			b.Logger.Error("the audit can't be written", "action", e.Action, "about", e.About, "error", err)
		}
	})
}

// body keeps what is read of a request, up to what the API takes.
type body struct {
	from io.ReadCloser
	read bytes.Buffer
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.read.Write(p[:min(n, max(0, problem.MaxBody-b.read.Len()))])
	return n, err
}

func (b *body) Close() error { return b.from.Close() }

// answer keeps the status and the beginning of an answer.
type answer struct {
	http.ResponseWriter

	status int
	read   bytes.Buffer
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.read.Write(p[:min(len(p), max(0, mostAnswer-a.read.Len()))])
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

type input struct {
	by, rest string
	dry      bool // only counts
}

// inputOf is what a body says beside who asks. Of objects only a filter is kept: the others are events, which may hold what is masked elsewhere. Of another
// payload it says that there is one.
func inputOf(body []byte) (in input) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return in
	}
	_ = json.Unmarshal(fields["by"], &in.by) // not a string: nobody
	_ = json.Unmarshal(fields["dry_run"], &in.dry)
	delete(fields, "by")
	for name, value := range fields {
		switch object := value[0] == '{' || value[0] == '['; {
		case name == "payload":
			fields[name] = json.RawMessage(`"edited"`)
		case name == "ids" && value[0] == '[':
			var ids []json.RawMessage
			_ = json.Unmarshal(value, &ids)
			fields[name] = json.RawMessage(strconv.Quote(strconv.Itoa(len(ids)) + " IDs"))
		case object && name != "filter":
			delete(fields, name)
		}
	}
	if len(fields) > 0 {
		rest, _ := json.Marshal(fields) //nolint:errchkjson // it was JSON
		in.rest = string(rest)
	}
	return in
}

// about is what stands in a path where its pattern has names.
func about(pattern, path string) string {
	var all []string
	values := strings.Split(path, "/")
	for i, name := range strings.Split(pattern, "/") {
		if strings.HasPrefix(name, "{") && i < len(values) {
			all = append(all, values[i])
		}
	}
	return strings.Join(all, "/")
}

// said is an answer's text, a problem's words, or the ID of what was begun.
func said(answer []byte) string {
	var a struct {
		Text   string `json:"text"`
		Detail string `json:"detail"`
		ID     string `json:"id"`
		Errors []struct {
			Location string `json:"location"`
			Message  string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(answer, &a) != nil {
		return ""
	}
	all := []string{cmp.Or(a.Text, a.Detail, a.ID)}
	for _, e := range a.Errors {
		all = append(all, e.Location+": "+e.Message)
	}
	return strings.Join(all, "; ")
}

// plain is text that every database takes, of bounded length.
func plain(s string) string {
	runes := []rune(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD"))
	if len(runes) > mostText {
		return string(runes[:mostText]) + "…"
	}
	return string(runes)
}
