package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"unicode/utf8"
)

// A slip is written as "1;" and, for each stop, five netstrings (https://cr.yp.to/proto/netstrings.txt): service, topic, effect, in,
// out. So payloads stand on it as they are, and whoever passes it on need only hop from length to length. Two marks stand for
// netstrings, and make a slip half as long: as a rule a step's input is the output of the step before, and all have one effect.
const (
	slipHead    = "1;" // the version
	asBefore    = '^'  // effect: that of the stop before; in: the out of the stop before
	base64Comes = '~'  // the netstring that follows is base64: its bytes are no UTF-8, which the values of headers have to be
)

// appendStop appends text, and one more stop, to grown; below has been read to the stop before.
func appendStop(grown, text []byte, below *slipReader, stop Stop) []byte {
	const frame = 64 // lengths, marks and head
	grown = slices.Grow(grown, len(text)+len(stop.Service)+len(stop.Topic)+len(stop.Effect)+len(stop.In)+len(stop.Out)+frame)
	first := len(text) == 0
	if first {
		grown = append(grown, slipHead...)
	}
	grown = append(grown, text...)
	grown = appendNetstring(grown, stop.Service)
	grown = appendNetstring(grown, stop.Topic)
	if !first && string(below.effect.bytes) == stop.Effect {
		grown = append(grown, asBefore)
	} else {
		grown = appendNetstring(grown, stop.Effect)
	}
	if len(stop.In) > 0 && bytes.Equal(below.out.decoded(), stop.In) {
		grown = append(grown, asBefore)
	} else {
		grown = appendPayload(grown, stop.In)
	}
	return appendPayload(grown, stop.Out)
}

func appendNetstring[T string | []byte](b []byte, s T) []byte {
	b = append(strconv.AppendInt(b, int64(len(s)), 10), ':')
	return append(append(b, s...), ',')
}

func appendPayload(b, payload []byte) []byte {
	if utf8.Valid(payload) {
		return appendNetstring(b, payload)
	}
	return appendNetstring(append(b, base64Comes), base64.StdEncoding.AppendEncode(nil, payload))
}

// slipReader goes through a slip. Its fields are those of the stop that next went to, as they stand there.
type slipReader struct {
	text []byte
	at   int // where the next stop begins
	from int // where this one does
	err  error

	service, topic, effect, in, out slipField
}

type slipField struct {
	bytes  []byte
	base64 bool
}

var errSlip = errors.New("it isn't of the form that this Skald writes")

// next goes to the next stop. It is false at the end, and when there is an error.
func (s *slipReader) next() bool {
	if s.at == len(s.text) || s.err != nil {
		return false
	}
	first := s.from == 0
	s.from = s.at
	s.service, s.topic = s.field(false), s.field(false)
	if s.asBefore() {
		if first {
			s.err = errSlip
		}
	} else {
		s.effect = s.field(false)
	}
	if s.asBefore() {
		if s.in = s.out; len(s.in.bytes) == 0 {
			s.err = errSlip
		}
	} else {
		s.in = s.field(true)
	}
	s.out = s.field(true)
	return s.err == nil
}

func (s *slipReader) asBefore() bool {
	if s.at < len(s.text) && s.text[s.at] == asBefore {
		s.at++
		return true
	}
	return false
}

// field takes a netstring.
func (s *slipReader) field(payload bool) (f slipField) {
	if payload && s.at < len(s.text) && s.text[s.at] == base64Comes {
		f.base64 = true
		s.at++
	}
	length, from := 0, s.at
	for ; s.at < len(s.text) && s.at-from < len("65536") && '0' <= s.text[s.at] && s.text[s.at] <= '9'; s.at++ {
		length = 10*length + int(s.text[s.at]-'0')
	}
	begin := s.at + 1
	end := begin + length
	if s.at == from || end >= len(s.text) || s.text[s.at] != ':' || s.text[end] != ',' {
		s.err = errSlip
		return slipField{}
	}
	f.bytes = s.text[begin:end:end]
	s.at = end + 1
	if f.base64 && f.decoded() == nil {
		s.err = errSlip
	}
	return f
}

// decoded gives a field's bytes; nil if they can't be decoded.
func (f slipField) decoded() []byte {
	if !f.base64 {
		return f.bytes
	}
	b, err := base64.StdEncoding.AppendDecode(nil, f.bytes)
	if err != nil {
		return nil
	}
	return b
}

func (s *slipReader) stop() Stop {
	stop := Stop{Service: string(s.service.bytes), Topic: string(s.topic.bytes), Effect: string(s.effect.bytes), In: s.in.decoded()}
	if len(s.out.bytes) > 0 {
		stop.Out = s.out.decoded()
	}
	return stop
}
