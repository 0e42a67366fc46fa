package skald

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/skald-saga/skald/internal/call"
	"github.com/skald-saga/skald/internal/engine"
)

// decode reads and validates an event's payload. encoding/json's errors name Go types; ours name the field.
func decode[T any](payload []byte, codec Codec) (v T, err error) {
	if err := codec.Unmarshal(payload, &v); err != nil {
		return v, explain(err)
	}
	return v, validate(&v)
}

func validate[T any](v *T) error {
	if check, ok := any(v).(Validator); ok { // also when T itself is one, but not if T is a pointer or an interface
		return check.Validate()
	}
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Pointer, reflect.Interface: // putting another into an interface would take a copy of it
		if check, ok := any(*v).(Validator); ok {
			return check.Validate()
		}
	}
	return nil
}

func explain(err error) error {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return Invalid(wrongType.Field, "a %s was given, a %s is wanted", wrongType.Value, jsonType(wrongType))
	case errors.As(err, &wrongType):
		return fmt.Errorf("the payload is a JSON %s, an object is wanted", wrongType.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("the payload is no JSON: %w (at byte %d)", err, syntax.Offset)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the payload is no JSON: it ends too early")
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return Invalid(strings.Trim(field, `"`), "there is no such field")
	}
	return fmt.Errorf("the payload can't be read: %w", err)
}

func jsonType(err *json.UnmarshalTypeError) string {
	switch kind := err.Type.Kind().String(); kind {
	case "struct", "map":
		return "object"
	case "slice", "array":
		return "list"
	case "bool":
		return "true or false"
	case "string":
		return "string"
	default:
		return "number (" + kind + ")"
	}
}

// outputs gives what a handler produced: the successor's event first, then what was emitted. Undeclared topics are refused.
func (s *step) outputs(c *call.Call, out any) ([]Event, error) {
	var events []Event
	switch v := out.(type) {
	case None:
	case Event:
		if !slices.Contains(s.next, v.topic) {
			return nil, Poison(fmt.Errorf("the step on %q returned an event for %q, which is none of its declared successors: add the topic to its Route",
				s.in.name, v.topic.name))
		}
		events = append(events, v)
	default:
		events = append(events, Event{topic: s.successor(c.Workflow), value: out})
	}
	for _, emitted := range c.Emitted() {
		e := emitted.(Event)
		if !slices.Contains(s.emits, e.topic) {
			return nil, Poison(fmt.Errorf("the step on %q emitted an event to %q without declaring it: add .Emits(…) to the step", s.in.name, e.topic.name))
		}
		e.openLoop = true
		events = append(events, e)
	}
	return events, nil
}

func (s *step) successor(workflow string) topicInfo { return s.nextOf(workflow)[0] }

func encodeAll(events []Event, codec Codec) ([]engine.Output, error) {
	outputs := make([]engine.Output, 0, len(events))
	for _, e := range events {
		payload, err := codec.Marshal(e.value)
		if err != nil {
			return nil, Poison(fmt.Errorf("the event for %q can't be encoded: %w", e.topic.name, err))
		}
		outputs = append(outputs, engine.Output{
			Topic: e.topic.name, Payload: payload, ContentType: codec.ContentType(), Schema: e.topic.schema, OpenLoop: e.openLoop,
		})
	}
	return outputs, nil
}
