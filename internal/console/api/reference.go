package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Reference is the document as a page of Markdown: every operation, by tag, with an example for curl, its parameters, body and answers, and
// the schemas behind.
func Reference(doc *huma.OpenAPI) []byte {
	r := &reference{doc: doc}
	r.printf("# HTTP API\n\nMade of the OpenAPI 3.1 document that every console serves at `/openapi.json`, by `make docs`: don't edit it.\n\n%s\n\n", doc.Info.Description)
	r.printf("`$SKALD` is the address of a console, such as `http://127.0.0.1:8080`. A console with users wants to know who asks: add `-u name:password`, or `-H \"Authorization: Bearer $SKALD_TOKEN\"`. " +
		"Viewers may use GET, operators everything. Operations of `/api/v1/demo` are there in `skald up` alone.\n\n" +
		"Any operation may answer 401 (who asks?), 403 (viewers, and other sites), 429 (too many wrong passwords) and 500; they are left out below. Every 4xx and 5xx has a body of type " +
		"`application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)): `detail` says in a sentence what is wrong, `errors` names each field.\n")
	byTag := map[string][]operation{}
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		} {
			if op != nil {
				tag := "Other"
				if len(op.Tags) > 0 {
					tag = op.Tags[0]
				}
				byTag[tag] = append(byTag[tag], operation{method, path, op})
			}
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		r.printf("\n## %s\n", tag)
		slices.SortFunc(byTag[tag], func(a, b operation) int {
			return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
		})
		for _, op := range byTag[tag] {
			r.operation(op)
		}
	}
	r.schemas()
	return r.out.Bytes()
}

type operation struct {
	method, path string
	*huma.Operation
}

type reference struct {
	doc *huma.OpenAPI
	out bytes.Buffer
}

func (r *reference) printf(format string, args ...any) { fmt.Fprintf(&r.out, format, args...) }

func (r *reference) operation(op operation) {
	r.printf("\n### %s %s\n\n%s.", op.method, op.path, op.Summary)
	if op.Description != "" {
		r.printf(" %s", strings.ReplaceAll(op.Description, "\n", " "))
	}
	r.printf("\n\n```console\n$ %s\n```\n", r.curl(op))
	if len(op.Parameters) > 0 {
		r.printf("\n| parameter | in | type | |\n|---|---|---|---|\n")
		for _, p := range op.Parameters {
			r.printf("| `%s` | %s | %s | %s |\n", p.Name, p.In, r.kind(p.Schema), inTable(p.Description))
		}
	}
	if op.RequestBody != nil {
		if schema := r.resolved(op.RequestBody.Content["application/json"].Schema); schema != nil {
			r.printf("\nBody:\n\n")
			r.fields(schema)
		}
	}
	r.printf("\n")
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		code, err := strconv.Atoi(status)
		if err != nil || slices.Contains([]int{401, 403, 429, 500}, code) {
			continue
		}
		answer := op.Responses[status]
		r.printf("- **%s** %s", status, cmp.Or(answer.Description, http.StatusText(code)))
		for _, kind := range slices.Sorted(maps.Keys(answer.Content)) {
			if code < http.StatusBadRequest {
				r.printf(": %s, `%s`", r.kind(answer.Content[kind].Schema), kind)
			}
		}
		r.printf("\n")
	}
}

// curl is an example that is as short as the operation lets it be.
func (r *reference) curl(op operation) string {
	words := []string{"curl", "-sS"}
	if op.method != http.MethodGet {
		words = append(words, "-X", op.method)
	}
	if strings.Contains(op.OperationID, "stream") {
		words = append(words, "-N")
	}
	if op.RequestBody != nil {
		example, err := json.Marshal(r.example(op.RequestBody.Content["application/json"].Schema, 0))
		if err == nil {
			words = append(words, "-H 'Content-Type: application/json'", "-d '"+string(example)+"'")
		}
	}
	path := op.path
	for _, p := range op.Parameters {
		if p.In == "path" {
			value := fmt.Sprint(r.example(p.Schema, 0))
			if p.Schema.Type == huma.TypeString && p.Schema.Format == "" && !strings.Contains(p.Schema.Pattern, "[0-9a-f]") && len(p.Schema.Enum) == 0 {
				value = strings.ToUpper(p.Name)
			}
			path = strings.ReplaceAll(path, "{"+p.Name+"}", value)
		}
	}
	return strings.Join(append(words, "$SKALD"+path), " ")
}

// example is a value that a schema allows, with its required fields alone.
func (r *reference) example(s *huma.Schema, depth int) any {
	const deepest = 4
	s = r.resolved(s)
	switch {
	case s == nil || depth > deepest:
		return map[string]any{}
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		fields := map[string]any{}
		for _, name := range s.Required {
			fields[name] = r.example(s.Properties[name], depth+1)
		}
		return fields
	case huma.TypeArray:
		return []any{r.example(s.Items, depth+1)}
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeBoolean:
		return true
	case huma.TypeString:
		switch {
		case s.Format == "uuid":
			return "0199a3c0-7c5e-7000-8000-000000000000"
		case s.Format == "date-time":
			return "2026-01-02T15:04:05Z"
		case strings.HasPrefix(s.Pattern, "^[0-9a-f]{12}"):
			return "0123456789ab"
		}
		return "…"
	}
	return map[string]any{}
}

func (r *reference) resolved(s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return r.doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func (r *reference) schemas() {
	all := r.doc.Components.Schemas.Map()
	r.printf("\n## Schemas\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if len(all[name].Properties) == 0 {
			continue
		}
		r.printf("\n### %s\n\n", name)
		r.fields(all[name])
	}
}

func (r *reference) fields(s *huma.Schema) {
	r.printf("| field | type | |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if name == "$schema" {
			continue
		}
		field, needed := s.Properties[name], ""
		if !slices.Contains(s.Required, name) {
			needed = "may be absent"
		}
		about := inTable(field.Description)
		if about != "" && needed != "" {
			about += "; "
		}
		r.printf("| `%s` | %s | %s%s |\n", name, r.kind(field), about, needed)
	}
}

// kind is a schema in a few words, with its bounds.
func (r *reference) kind(s *huma.Schema) string {
	if s == nil {
		return "any JSON"
	}
	if s.Ref != "" {
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		return "[" + name + "](#" + strings.ToLower(name) + ")"
	}
	text := cmp.Or(s.Type, "any JSON")
	switch {
	case s.Type == huma.TypeArray:
		text = "list of " + r.kind(s.Items)
	case len(s.Enum) > 0:
		words := make([]string, 0, len(s.Enum))
		for _, e := range s.Enum {
			words = append(words, fmt.Sprintf("`%v`", e))
		}
		text = strings.Join(words, ", ")
	case s.Format != "":
		text += ", " + s.Format
	case s.Pattern != "":
		text += ", `" + strings.ReplaceAll(s.Pattern, "|", `\|`) + "`"
	}
	if s.Minimum != nil {
		text += fmt.Sprintf(", from %v", *s.Minimum)
	}
	if s.Maximum != nil {
		text += fmt.Sprintf(", to %v", *s.Maximum)
	}
	if s.MaxLength != nil {
		text += fmt.Sprintf(", at most %d characters", *s.MaxLength)
	}
	if s.Default != nil {
		text += fmt.Sprintf(", default %v", s.Default)
	}
	return text
}

func inTable(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", `\|`)
}
