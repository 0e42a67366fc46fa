// Package mask hides fields of payloads from whoever looks: by topic and field name, in JSON at any depth, and in the copies that routing
// slips carry. The log itself isn't changed. It is pure; it may import the wire format and the tracker's and the library's types.
package mask

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Hidden stands for what is masked.
const Hidden = "•••"

var hiddenJSON = []byte(`"` + Hidden + `"`)

// Rules say what is masked. Nil masks nothing.
type Rules struct{ all []rule }

type rule struct{ topic, field string } // * is any

// Parse reads rules such as notify.email, *.password, notify.* (all of it) or *: a topic, of which only the last dot counts, and the name of a
// field, in upper or lower case, wherever in the payload it is.
func Parse(patterns []string) (*Rules, error) {
	r := &Rules{}
	for _, pattern := range patterns {
		if pattern = strings.TrimSpace(pattern); pattern == "" {
			continue
		}
		at := strings.LastIndex(pattern, ".")
		topic, field := pattern[:max(at, 0)], pattern[at+1:]
		if pattern == "*" {
			topic = "*"
		}
		if topic == "" || field == "" {
			return nil, fmt.Errorf("%q isn't topic.field, such as notify.email, *.password for all topics, or notify.* for all of a payload", pattern)
		}
		r.all = append(r.all, rule{topic, field})
	}
	if len(r.all) == 0 {
		return nil, nil //nolint:nilnil // nil is the rules that mask nothing
	}
	return r, nil
}

// Payload gives a payload of a topic with what is masked hidden, and all else byte for byte as it was. One that isn't JSON can't be looked into:
// it is hidden whole if anything of its topic is. A payload that is hidden whole is the JSON string [Hidden].
func (r *Rules) Payload(topic string, payload []byte) []byte {
	return r.of(func(of string) bool { return of == "*" || of == topic }).hide(payload)
}

// of selects the fields of topics; nil if there are none.
func (r *Rules) of(topic func(string) bool) (f fields) {
	if r == nil {
		return nil
	}
	for _, one := range r.all {
		if topic(one.topic) {
			f = append(f, one.field)
		}
	}
	return f
}

type fields []string

func (f fields) match(name string) bool {
	for _, field := range f {
		if strings.EqualFold(field, name) {
			return true
		}
	}
	return false
}

func (f fields) hide(payload []byte) []byte {
	switch {
	case len(f) == 0 || len(payload) == 0:
		return payload
	case f.match("*") || !json.Valid(payload):
		return hiddenJSON
	}
	w := walker{fields: f, from: payload, decoder: json.NewDecoder(bytes.NewReader(payload))}
	if err := w.value(); err != nil {
		return hiddenJSON // what the decoder refuses, such as JSON nested too deep
	}
	return append(w.out, payload[w.copied:]...)
}

// walker goes through JSON token by token, so that what isn't masked stays as it was sent: numbers of any size, the order of fields, and
// fields that are there twice.
type walker struct {
	fields  fields
	from    []byte
	decoder *json.Decoder
	out     []byte
	copied  int // up to which byte from is in out
}

func (w *walker) value() error {
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	object := token == json.Delim('{')
	if !object && token != json.Delim('[') {
		return nil
	}
	for w.decoder.More() {
		if object {
			name, err := w.decoder.Token()
			if err != nil {
				return err
			}
			if text, _ := name.(string); w.fields.match(text) {
				if err := w.replace(); err != nil {
					return err
				}
				continue
			}
		}
		if err := w.value(); err != nil {
			return err
		}
	}
	_, err = w.decoder.Token()
	return err
}

// replace hides the value that comes next.
func (w *walker) replace() error {
	var value json.RawMessage
	if err := w.decoder.Decode(&value); err != nil {
		return err
	}
	end := int(w.decoder.InputOffset())
	w.out = append(append(w.out, w.from[w.copied:end-len(value)]...), hiddenJSON...)
	w.copied = end
	return nil
}
