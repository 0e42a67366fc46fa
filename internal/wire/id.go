package wire

import (
	"crypto/sha1" //nolint:gosec // see named
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// The namespaces of Skald's name-based UUIDs (RFC 9562, section 5.5). Fixed for ever: changing one changes every ID.
var (
	eventSpace = uuid.MustParse("5ba7c0de-0001-5a6a-8000-736b616c6400")
	sagaSpace  = uuid.MustParse("5ba7c0de-0002-5a6a-8000-736b616c6400")
)

// sep joins the parts of a name. It can't occur in a topic or service name, so two lists of parts never give one name.
const sep = "\x00"

// EventID is the ID of a step's output: the same for every attempt, crash and rebalance, so that a repeat can be recognised.
func EventID(causingID, service, inputTopic string, number int) string {
	name := make([]byte, 0, 256)
	name = append(append(append(name, causingID...), sep...), service...)
	name = append(append(append(name, sep...), inputTopic...), sep...)
	return named(eventSpace, strconv.AppendInt(name, int64(number), 10)).String()
}

// hexUUID writes the canonical form of an ID.
func hexUUID(text *[36]byte, id uuid.UUID) {
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:], id[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
}

// NewSagaID is the ID of a saga that was started without an idempotency key: a UUIDv7, so IDs sort by time.
func NewSagaID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("draw a saga ID: %w", err)
	}
	return id.String(), nil
}

// SagaIDFor is the ID of a saga started with an idempotency key: the same key gives the same saga.
func SagaIDFor(workflow, key string) string {
	return uuid.NewSHA1(sagaSpace, []byte("key"+sep+workflow+sep+key)).String()
}

// AdoptedSagaID is the ID of a saga that a foreign producer's record starts: made of the CloudEvents identity (source, id)
// where the producer gave one.
func AdoptedSagaID(workflow, source, id string) string {
	return uuid.NewSHA1(sagaSpace, []byte("event"+sep+workflow+sep+source+sep+id)).String()
}

// AdoptedSagaIDAt is the ID of a saga started by a record without CloudEvents identity: made of its coordinates. The topic
// goes in by its ID, as a deleted topic's name can come back with the same offsets.
func AdoptedSagaIDAt(workflow string, topicID [16]byte, partition int32, offset int64) string {
	name := "record" + sep + workflow + sep + uuid.UUID(topicID).String() + sep +
		strconv.FormatInt(int64(partition), 10) + sep + strconv.FormatInt(offset, 10)
	return uuid.NewSHA1(sagaSpace, []byte(name)).String()
}

// RecordID is the event ID of a record that carries none: made of where it lies.
func RecordID(topic string, partition int32, offset int64) string {
	name := "record" + sep + topic + sep + strconv.FormatInt(int64(partition), 10) + sep + strconv.FormatInt(offset, 10)
	return uuid.NewSHA1(eventSpace, []byte(name)).String()
}

// ParseSagaID gives the canonical form of a saga ID: the record key, and so the partition, depends on its very letters.
func ParseSagaID(s string) (string, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return "", fmt.Errorf("%q is no UUID", clip(s))
	}
	if s == strings.ToLower(s) { // as almost every one is: no new string
		return s, nil
	}
	return id.String(), nil
}

// named is uuid.NewSHA1, which allocates four times where an ID is made on every hop: a UUIDv5 by RFC 9562, section 5.5.
func named(space uuid.UUID, name []byte) (id uuid.UUID) {
	text := make([]byte, 0, len(space)+256)
	sum := sha1.Sum(append(append(text, space[:]...), name...)) //nolint:gosec // SHA-1 is what version 5 is made of; nothing is secured by it
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}

// TraceParent is the trace context of a saga's event when the starter brought none: the saga ID as the trace ID, the first
// half of the event ID as the span, sampled.
func TraceParent(sagaID, eventID string) string {
	saga, err := uuid.Parse(sagaID)
	if err != nil {
		return ""
	}
	event, err := uuid.Parse(eventID)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("00-%x-%x-01", saga[:], event[8:])
}

// ChildTrace keeps the trace of a causing event and names the event as the new span: by the second half of its ID, which is a UUID in
// its canonical form, as EventID gives.
func ChildTrace(parent, eventID string) string {
	const traceEnd = len("00-") + 32
	if len(eventID) != 36 || len(parent) != len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") {
		return parent
	}
	var trace [len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]byte
	copy(trace[:], parent)
	copy(trace[traceEnd+1:], eventID[19:23])
	copy(trace[traceEnd+5:], eventID[24:36])
	return string(trace[:])
}

// ForeignID is the unique ID of an event whose own ID is unique only beside its source.
func ForeignID(source, id string) string {
	return uuid.NewSHA1(eventSpace, []byte("foreign"+sep+source+sep+id)).String()
}
