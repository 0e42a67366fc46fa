package console_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
)

// operation is one of the API's, as its own document tells of it.
type operation struct {
	method, path string

	ID         string `json:"operationId"`
	Parameters []struct {
		Name   string `json:"name"`
		In     string `json:"in"`
		Schema schema `json:"schema"`
	} `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]any `json:"content"`
	} `json:"responses"`
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Format     string            `json:"format"`
	Pattern    string            `json:"pattern"`
	Enum       []any             `json:"enum"`
	Properties map[string]schema `json:"properties"`
}

// typed says whether a text can be told to be wrong by the schema alone.
func (s schema) typed() bool {
	return s.Type != "string" && s.Type != "array" || s.Enum != nil || s.Pattern != "" || s.Format == "uuid" || s.Format == "date-time"
}

type document struct {
	Paths      map[string]map[string]*operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

func (d *document) operations() (all []*operation) {
	for path, methods := range d.Paths {
		for method, op := range methods {
			op.method, op.path = strings.ToUpper(method), path
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b *operation) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (d *document) body(op *operation) (s schema, ok bool) {
	if op.RequestBody == nil {
		return s, false
	}
	s = op.RequestBody.Content["application/json"].Schema
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	return s, true
}

// hostile are texts that are wrong, or odd, wherever they stand.
var hostile = map[string]string{
	"NUL": "a\x00b", "control": "\x1b[2J\x07", "not UTF-8": "a\xffb", "SQL": `'; DROP TABLE saga; --`, "SQL like": `%_\' OR 1=1`, "HTML": "<script>alert(1)</script>",
	"long": strings.Repeat("x", 5000), "number": "-99999999999999999999", "space": " ", "format": "%s%n{{.}}", "path": "../../etc/passwd",
}

// Whatever a client sends, the answer is one that the document has, a problem if it is none of success, and names what is wrong.
func TestBadInputToEveryOperation(t *testing.T) {
	w := consoletest.Troubled()
	h := console.New(w.Config(t))
	t.Cleanup(h.Close)
	var doc document
	consoletest.Ask(t, h, "GET", "/openapi.json", "", &doc)
	all := doc.operations()
	if len(all) < 35 {
		t.Fatalf("only %d operations", len(all))
	}
	asked := 0
	for _, op := range all {
		t.Run(op.ID, func(t *testing.T) {
			a := &abuser{t: t, h: h, op: op, saga: w.IDs()[0]}
			a.paths()
			a.queries()
			if body, ok := doc.body(op); ok {
				a.bodies(body)
			}
			asked += a.asked
		})
	}
	t.Logf("%d requests to %d operations", asked, len(all))
}

type abuser struct {
	t     *testing.T
	h     http.Handler
	op    *operation
	saga  string
	asked int
}

// path fills in the parameters of a path with what could be, but for one.
func (a *abuser) path(garbled, with string) string {
	path := a.op.path
	for _, p := range a.op.Parameters {
		value := "1"
		switch {
		case p.Name == garbled:
			value = with
		case p.Schema.Format == "uuid":
			value = a.saga
		case p.Schema.Pattern != "":
			value = "0123456789ab"
		}
		path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
	}
	return path
}

// ask sends a request, and wants one of some statuses; none: any that isn't the server's fault. at is where a problem has to point.
func (a *abuser) ask(what, address, contentType, body, at string, statuses ...int) {
	a.t.Helper()
	a.asked++
	r := httptest.NewRequest(a.op.method, "/", strings.NewReader(body))
	parsed, err := url.Parse(address)
	if err != nil {
		a.t.Fatal(err)
	}
	r.URL = parsed
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	r.Header.Set("Accept", "text/html,*/*")
	if _, streams := a.op.Responses["200"].Content["text/event-stream"]; streams {
		ctx, cancel := context.WithCancel(r.Context())
		cancel() // it would never end
		r = r.WithContext(ctx)
	}
	out := httptest.NewRecorder()
	a.h.ServeHTTP(out, r)
	if _, documented := a.op.Responses[strconv.Itoa(out.Code)]; !documented && out.Code != http.StatusNotFound {
		a.t.Errorf("%s: %d isn't in the document: %s", what, out.Code, out.Body)
	}
	if out.Code >= 500 || len(statuses) > 0 && !slices.Contains(statuses, out.Code) {
		a.t.Errorf("%s: %d, want %d: %.300s", what, out.Code, statuses, out.Body)
		return
	}
	if out.Code < 400 {
		return
	}
	var p consoletest.Problem
	if kind := out.Header().Get("Content-Type"); kind != "application/problem+json" || json.Unmarshal(out.Body.Bytes(), &p) != nil || p.Status != out.Code || p.Detail == "" {
		a.t.Errorf("%s: %s is no problem: %.300s", what, kind, out.Body)
	}
	if out.Code == http.StatusBadRequest && at != "" && !slices.ContainsFunc(p.Errors, func(e struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	}) bool {
		return e.Message != "" && (e.Location == at || strings.HasPrefix(e.Location, at+".") || strings.HasPrefix(e.Location, at+"["))
	}) {
		a.t.Errorf("%s: no error names %s: %.300s", what, at, out.Body)
	}
	if out.Header().Get("X-Content-Type-Options") != "nosniff" {
		a.t.Errorf("%s: a browser might take what was sent for HTML", what)
	}
}

func (a *abuser) paths() {
	for _, p := range a.op.Parameters {
		if p.In != "path" {
			continue
		}
		for name, text := range hostile {
			what, address := p.Name+" with "+name, a.path(p.Name, text)
			switch {
			case p.Schema.Pattern != "": // which some fit
				a.ask(what, address, "application/json", a.nobody(), "path."+p.Name, 400, 404)
			case p.Schema.typed():
				a.ask(what, address, "application/json", a.nobody(), "path."+p.Name, 400)
			default:
				a.ask(what, address, "application/json", a.nobody(), "", 400, 404)
			}
		}
	}
}

// nobody is a body for those operations that need one.
func (a *abuser) nobody() string {
	if a.op.RequestBody == nil {
		return ""
	}
	return "{}"
}

func (a *abuser) queries() {
	a.ask("an unknown parameter", a.path("", "")+"?nosuch=1", "application/json", a.nobody(), "query.nosuch", 400)
	for _, p := range a.op.Parameters {
		if p.In != "query" {
			continue
		}
		for name, text := range hostile {
			what, address := "query "+p.Name+" with "+name, a.path("", "")+"?"+url.Values{p.Name: {text}}.Encode()
			if p.Schema.typed() {
				a.ask(what, address, "", a.nobody(), "query."+p.Name, 400)
			} else {
				a.ask(what, address, "", a.nobody(), "query."+p.Name)
			}
		}
	}
}

func (a *abuser) bodies(body schema) {
	address := a.path("", "")
	const kind = "application/json"
	for name, text := range map[string]string{"cut": `{"a":`, "text": "no JSON", "two": `{} {}`, "NUL": "\x00", "form": "a=b", "nothing": ""} {
		a.ask("body is "+name, address, kind, text, "", 400)
	}
	for name, text := range map[string]string{"list": "[]", "string": `"x"`, "number": "7", "null": "null"} {
		a.ask("body is a "+name, address, kind, text, "body", 400)
	}
	a.ask("an unknown field", address, kind, `{"nosuch":1}`, "body.nosuch", 400)
	a.ask("too large", address, kind, `{"reason":"`+strings.Repeat("x", 70_000)+`"}`, "", 413)
	a.ask("another type", address, "text/plain", "{}", "", 415)
	a.ask("XML", address, "application/xml", "<a/>", "", 415)
	for name, s := range body.Properties {
		if s.Type == nil && s.Ref == "" {
			continue // any JSON
		}
		wrong := `{"deep":[1]}`
		if s.Type == "object" || s.Ref != "" {
			wrong = `[1,"x"]`
		}
		a.ask(name+" of another type", address, kind, `{"`+name+`":`+wrong+`}`, "body."+name, 400)
		for what, text := range hostile {
			encoded, err := json.Marshal(text)
			if err != nil {
				a.t.Fatal(err)
			}
			a.ask(name+" with "+what, address, kind, `{"`+name+`":`+string(encoded)+`}`, "")
		}
	}
}
