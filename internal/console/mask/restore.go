package mask

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// RestoreError says where in an edited payload [Hidden] stands for a value that isn't known.
type RestoreError struct{ Path, Problem string }

func (e *RestoreError) Error() string { return strings.TrimPrefix(e.Path+": ", ": ") + e.Problem }

const (
	deepest     = 100 // levels of JSON that can be edited
	notThere    = "it is masked, and there was nothing here before: give the value itself"
	listChanged = "it is masked, and the list that it is in was changed, so that it isn't known which value is meant: give the value itself"
)

// Restore gives an edited payload with what is [Hidden] in it as it was before: a masked field keeps its value if it stands where it stood, and is replaced by
// whatever else is written there. A hidden value inside of a list is known as long as nothing of that list is changed. All else stays byte for byte as it was
// written. What can't be restored is a *[RestoreError]. topics are those by whose rules the payload was masked.
func (r *Rules) Restore(original, edited []byte, topics ...string) ([]byte, error) {
	f := r.of(func(of string) bool {
		return of == "*" || slices.Contains(topics, of)
	})
	switch {
	case !json.Valid(edited):
		return nil, &RestoreError{"", "it isn't valid JSON"}
	case len(f) == 0:
		return edited, nil
	case isHidden(edited):
		return nil, &RestoreError{"", "all of it is masked: give the whole payload, or redrive it as it is"}
	case f.match("*") || !json.Valid(original):
		return edited, nil // it was hidden whole, and is replaced whole
	}
	return f.restore(original, edited, "", 0)
}

func isHidden(value []byte) bool {
	return bytes.Equal(bytes.TrimSpace(value), hiddenJSON) || hiddenText(value)
}

// hiddenText is for who writes the dots as escapes.
func hiddenText(value []byte) bool {
	var text string
	return len(value) < 64 && json.Unmarshal(value, &text) == nil && text == Hidden
}

func (f fields) restore(original, edited []byte, path string, depth int) ([]byte, error) {
	if depth > deepest {
		return nil, &RestoreError{clipPath(path), "it is nested too deep to be edited here"}
	}
	edits, kind, err := partsOf(edited)
	if err != nil || kind == 0 {
		return edited, err
	}
	before, was, _ := partsOf(original) // nothing is known of what can't be read
	if kind == '[' {
		if was == '[' && sameJSON(f.hide(original), edited) {
			return original, nil
		}
		before = nil
	} else if was != kind {
		before = nil
	}
	var out []byte
	copied := 0
	for _, p := range edits {
		value, err := f.restorePart(before, p, kind, path, depth)
		if err != nil {
			return nil, err
		}
		out = append(append(out, edited[copied:p.from]...), value...)
		copied = p.from + len(p.value)
	}
	return append(out, edited[copied:]...), nil
}

func (f fields) restorePart(before []part, p part, kind byte, path string, depth int) ([]byte, error) {
	var was []byte
	found := 0
	if kind == '{' {
		path += "." + p.name
		for _, b := range before {
			if b.name == p.name {
				was, found = b.value, found+1
			}
		}
	}
	if kind == '{' && f.match(p.name) {
		switch {
		case !isHidden(p.value):
			was = nil // what is below was hidden with it
		case found == 1:
			return was, nil
		default:
			return nil, &RestoreError{clipPath(path), notThere}
		}
	}
	value, err := f.restore(was, p.value, path, depth+1)
	var wrong *RestoreError
	if kind == '[' && errors.As(err, &wrong) && wrong.Problem == notThere {
		err = &RestoreError{wrong.Path, listChanged}
	}
	return value, err
}

// part is a member of an object, or of a list, where it stands.
type part struct {
	name  string
	value []byte
	from  int
}

// partsOf takes an object or a list apart, one level of it. kind is { or [, or 0 for anything else.
func partsOf(value []byte) (parts []part, kind byte, err error) {
	decoder := json.NewDecoder(bytes.NewReader(value))
	token, err := decoder.Token()
	if err != nil {
		return nil, 0, err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil, 0, nil
	}
	for decoder.More() {
		p := part{}
		if open == '{' {
			name, err := decoder.Token()
			if err != nil {
				return nil, 0, err
			}
			p.name, _ = name.(string)
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, 0, err
		}
		p.value, p.from = raw, int(decoder.InputOffset())-len(raw)
		parts = append(parts, p)
	}
	return parts, byte(open), nil
}

// sameJSON compares but for the space between the parts.
func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

func clipPath(path string) string {
	const most = 200
	if runes := []rune(path); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return path
}
