package traffic

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"
)

// Way is one way of events: from a service, through a topic, to a service. Empty names are unknown ones, or none.
type Way struct {
	Workflow, From, Topic, To string
	Undo                      bool // of tokens on their way back
}

// Flow is what one event adds to its way.
type Flow struct {
	Way      Way
	Produced int64         // Unix nanoseconds
	Handled  int64         // when its handler's output was produced; 0: it isn't, or nobody knows when
	Took     time.Duration // from one to the other; negative: unknown
	Token    Token
}

// Token says how the token of a saga is that has come this way and not gone on.
type Token int8

// How a token is.
const (
	NoToken Token = iota // it has gone on
	Running
	Retrying
	Halted
)

// Tally is what was counted of a way in one time.
type Tally struct {
	Events                    int64 // by when they were produced
	Running, Retrying, Halted int64 // tokens, of now alone
	times                     histogram
}

// Handled is how many events have a known time, by when they were handled.
func (t *Tally) Handled() int64 { return t.times.count() }

// Quantile gives the time that the share q of the events didn't take longer than, to within 9 %; 0 if none has a known time.
func (t *Tally) Quantile(q float64) time.Duration { return t.times.quantile(q) }

// Add adds another tally, or takes it away with -1.
func (t *Tally) Add(other *Tally, sign int64) {
	t.Events += sign * other.Events
	t.Running += sign * other.Running
	t.Retrying += sign * other.Retrying
	t.Halted += sign * other.Halted
	for bucket, n := range other.times {
		t.time(bucket, sign*n)
	}
}

func (t *Tally) time(bucket int, n int64) {
	if t.times == nil {
		t.times = histogram{}
	}
	if t.times[bucket] += n; t.times[bucket] == 0 {
		delete(t.times, bucket)
	}
}

func (t *Tally) clone() *Tally {
	c := *t
	c.times = maps.Clone(t.times)
	return &c
}

// encode writes a tally as varints.
func (t *Tally) encode() []byte {
	b := make([]byte, 0, 16+4*len(t.times))
	for _, n := range []int64{t.Events, t.Running, t.Retrying, t.Halted} {
		b = binary.AppendVarint(b, n)
	}
	for _, bucket := range slices.Sorted(maps.Keys(t.times)) {
		b = binary.AppendVarint(binary.AppendVarint(b, int64(bucket)), t.times[bucket])
	}
	return b
}

var errRow = errors.New("the tracker's database holds traffic that this version can't read: delete the database, it is made again from the log")

func decodeTally(b []byte) (*Tally, error) {
	t, broken := &Tally{}, false
	next := func() int64 {
		n, size := binary.Varint(b)
		if size <= 0 {
			broken, b = true, nil
			return 0
		}
		b = b[size:]
		return n
	}
	for _, n := range []*int64{&t.Events, &t.Running, &t.Retrying, &t.Halted} {
		*n = next()
	}
	for len(b) > 0 {
		bucket := int(next())
		t.time(bucket, next())
	}
	if broken {
		return nil, errRow
	}
	return t, nil
}

func (w Way) encode() []byte {
	var b []byte
	for _, s := range []string{w.Workflow, w.From, w.Topic, w.To} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	if w.Undo {
		b = append(b, 1)
	}
	return b
}

func decodeWay(b []byte) (w Way, err error) {
	for _, s := range []*string{&w.Workflow, &w.From, &w.Topic, &w.To} {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return w, errRow
		}
		*s, b = string(b[size:size+int(n)]), b[size+int(n):]
	}
	w.Undo = len(b) > 0
	return w, nil
}
