package skald

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/skald-saga/skald/internal/wire"
)

// Topic is a Kafka topic that carries events of type T. Declare topics as typed constants in a package that the services
// share, so that a chain whose ends don't fit doesn't compile:
//
//	const AuthorizeTopic skald.Topic[Authorize] = "authorize"
//
// A name has at most 200 letters, digits, '.', '_' and '-'. The namespace prefix ([Config.Prefix]) is added on the broker.
// T's schema has version 1 unless T (or *T) implements [Versioned].
type Topic[T any] string

// Event makes an event for this topic: what the handler of a [Route] step returns.
func (t Topic[T]) Event(v T) Event { return Event{topic: t.info(), value: v} }

// AnyTopic is a [Topic] of whatever type. Only Topic implements it.
type AnyTopic interface{ info() topicInfo }

// Event is a value on its way to a topic. Make one with [Topic.Event].
type Event struct {
	topic topicInfo
	value any

	openLoop bool
}

// Versioned is implemented by event types whose schema has changed in a way that older readers would misread. The version
// goes into ce_dataschema; a service that knows only an older one makes such an event a dead letter instead of half-reading it.
type Versioned interface{ SchemaVersion() int }

// Codec turns events into payloads and back. It must be safe for concurrent use.
type Codec interface {
	ContentType() string // the media type for the content-type header
	Marshal(v any) ([]byte, error)
	Unmarshal(data []byte, v any) error
}

// JSON is the default codec: encoding/json. Unknown fields are passed over, so that a producer may add one first.
type JSON struct{}

// ContentType is application/json.
func (JSON) ContentType() string { return "application/json" }

// Marshal is json.Marshal.
func (JSON) Marshal(v any) ([]byte, error) { return json.Marshal(v) }

// Unmarshal is json.Unmarshal.
func (JSON) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

// topicInfo is a topic without its type parameter.
type topicInfo struct {
	name    string
	typ     reflect.Type
	version int
	schema  string // ce_dataschema
}

func (t Topic[T]) info() topicInfo {
	version := 1
	var zero T
	if v, ok := any(zero).(Versioned); ok {
		version = v.SchemaVersion()
	} else if v, ok := any(&zero).(Versioned); ok {
		version = v.SchemaVersion()
	}
	return topicInfo{name: string(t), typ: reflect.TypeFor[T](), version: version, schema: wire.SchemaURI(string(t), version)}
}

func (t topicInfo) check() error {
	if err := wire.CheckName("topic", t.name); err != nil {
		return err
	}
	if t.version < 1 {
		return fmt.Errorf("topic %q: the schema version of %s is %d, versions begin with 1", t.name, t.typ, t.version)
	}
	return nil
}
