package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Headers of a dead letter, besides the original ones, which it keeps.
const (
	LetterService   = "dlq-service"
	LetterStep      = "dlq-step" // the step's input topic
	LetterTopic     = "dlq-topic"
	LetterPartition = "dlq-partition"
	LetterOffset    = "dlq-offset"
	LetterNext      = "dlq-next-offset" // of a batch that couldn't be read: the letter stands for all from dlq-offset to the one before this
	LetterAttempts  = "dlq-attempts"
	LetterClass     = "dlq-class"
	LetterError     = "dlq-error"
	LetterStack     = "dlq-stack"
	LetterTime      = "dlq-time"
	LetterHalted    = "dlq-halted" // "true" if a saga is halted by it
	LetterCut       = "dlq-cut"    // the original size in bytes, if the letter holds only the first CutBytes
	LetterHash      = "dlq-sha256" // of the original value, if it was cut
	LetterName      = "dlq-id"     // names the letter: a redrive of it is admitted once
	LetterEvent     = "dlq-event"  // the ID by which the service knows the event
)

// aliasPrefix is that of the headers which Spring for Apache Kafka gives a dead letter.
const aliasPrefix = "kafka_dlt-"

// CutBytes is how much of a record's value a letter keeps when the whole doesn't fit into the dead-letter topic.
const CutBytes = 64 << 10

// maxErrorBytes bounds error texts and stacks in headers.
const maxErrorBytes = 8 << 10

// Why a service gave up on an event.
const (
	ClassFailed      = "failed"      // the handler returned an error
	ClassTimeout     = "timeout"     // the handler took longer than its step's timeout
	ClassPanic       = "panic"       // the handler panicked
	ClassPoison      = "poison"      // it can't be read, or the handler said so
	ClassRejected    = "rejected"    // the handler refused it for a business reason
	ClassUnavailable = "unavailable" // what the handler needs was not there
	ClassTooLarge    = "too-large"
)

// Letter says which event a service gave up on, and why.
type Letter struct {
	ID         string // see LetterID
	Event      string // the ID by which the service knows the event
	Service    string
	Step       string
	Record     Record // the original; of a batch that couldn't be read, where it lies
	NextOffset int64  // the one after such a batch, else 0
	Attempts   int
	Class      string
	Error      string
	Stack      string
	Time       time.Time
	Halted     bool
	Bound      int // in bytes: a larger record's letter is cut
	Cut        int // the original size in bytes, of a letter that was read and holds only the first CutBytes
}

// Value and Headers make the letter's record; the key stays the original one.
func (l *Letter) Value() []byte {
	if l.cut() {
		return l.Record.Value[:min(CutBytes, len(l.Record.Value))]
	}
	return l.Record.Value
}

func (l *Letter) cut() bool { return l.Record.Size() > max(l.Bound, CutBytes) }

// Headers gives the original headers, the dlq- ones, and the aliases that Spring for Apache Kafka's tools look for
// (org.springframework.kafka.support.KafkaHeaders, DLT_*).
func (l *Letter) Headers() []Header {
	h := make([]Header, 0, len(l.Record.Headers)+20)
	if !l.cut() {
		h = append(h, l.Record.Headers...)
	} else {
		h = append(h, smallHeaders(l.Record.Headers)...)
	}
	add := func(key, value string) {
		if value != "" {
			h = append(h, Header{key, []byte(value)})
		}
	}
	add(LetterName, l.ID)
	add(LetterEvent, l.Event)
	add(LetterService, l.Service)
	add(LetterStep, l.Step)
	add(LetterTopic, l.Record.Topic)
	add(LetterPartition, strconv.Itoa(int(l.Record.Partition)))
	add(LetterOffset, strconv.FormatInt(l.Record.Offset, 10))
	if l.NextOffset > 0 {
		add(LetterNext, strconv.FormatInt(l.NextOffset, 10))
	}
	add(LetterAttempts, strconv.Itoa(l.Attempts))
	add(LetterClass, l.Class)
	add(LetterError, clipError(l.Error))
	add(LetterStack, clipError(l.Stack))
	add(LetterTime, formatTime(l.Time))
	if l.Halted {
		add(LetterHalted, "true")
	}
	if l.cut() {
		hash := sha256.Sum256(l.Record.Value)
		add(LetterCut, strconv.Itoa(l.Record.Size()))
		add(LetterHash, hex.EncodeToString(hash[:]))
	}
	add(aliasPrefix+"original-topic", l.Record.Topic)
	add(aliasPrefix+"original-partition", strconv.Itoa(int(l.Record.Partition)))
	add(aliasPrefix+"original-offset", strconv.FormatInt(l.Record.Offset, 10))
	add(aliasPrefix+"exception-message", clipError(l.Error))
	add(aliasPrefix+"exception-stacktrace", clipError(l.Stack))
	return h
}

// ParseLetter reads a record of the dead-letter topic; the original's headers and value are in Record.
//
// The letter's own headers follow the original ones. Its aliases are dropped, or each redrive would add another set to the event; what an
// original has of that kind, because it has been in another tool's dead-letter topic, is kept.
func ParseLetter(r *Record) (*Letter, error) {
	l := &Letter{Record: Record{Key: r.Key, Value: r.Value}}
	own := false
	for _, h := range r.Headers {
		value := string(h.Value)
		own = own || strings.HasPrefix(h.Key, "dlq-")
		if own && strings.HasPrefix(h.Key, aliasPrefix) {
			continue
		}
		var err error
		switch h.Key {
		case LetterName:
			l.ID = value
		case LetterEvent:
			l.Event = value
		case LetterCut:
			l.Cut, err = parseCount(value, 1<<40)
		case LetterService:
			l.Service = value
		case LetterStep:
			l.Step = value
		case LetterTopic:
			l.Record.Topic = value
		case LetterPartition:
			var n int
			n, err = parseCount(value, 1<<30)
			l.Record.Partition = int32(n)
		case LetterOffset:
			l.Record.Offset, err = strconv.ParseInt(value, 10, 64)
		case LetterNext:
			l.NextOffset, err = strconv.ParseInt(value, 10, 64)
		case LetterAttempts:
			l.Attempts, err = parseCount(value, 1<<30)
		case LetterClass:
			l.Class = value
		case LetterError:
			l.Error = value
		case LetterStack:
			l.Stack = value
		case LetterTime:
			l.Time, err = parseTime(h.Value)
		case LetterHalted:
			l.Halted = value == "true"
		case LetterHash: // of what isn't here
		default:
			l.Record.Headers = append(l.Record.Headers, h)
		}
		if err != nil {
			return l, err
		}
	}
	return l, nil
}

// smallHeaders keeps those that say which saga and event it was; a record can be too large by its headers alone.
func smallHeaders(all []Header) []Header {
	const most = 1 << 10
	var kept []Header
	for _, h := range all {
		if len(h.Value) <= most && len(h.Key) <= most && len(kept) < 32 {
			kept = append(kept, h)
		}
	}
	return kept
}

func clipError(s string) string {
	if len(s) <= maxErrorBytes {
		return s
	}
	return s[:maxErrorBytes] + "…"
}
