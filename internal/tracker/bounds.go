package tracker

import (
	"strings"
	"time"
)

// Bounds, in bytes, of what a saga's state takes over from headers that anybody may have written. The whole text is on the
// record.
const (
	maxName  = 249 // of a topic in Kafka; of services and workflows it is less
	maxID    = 200
	maxKey   = 512
	maxClass = 32
	maxError = 2 << 10
)

// nanos gives Unix nanoseconds; 0 for a time that isn't known or that no clock of a service can have shown.
func nanos(t time.Time) int64 {
	if t.Year() < 1970 || t.Year() > 2200 {
		return 0
	}
	return t.UnixNano()
}

// text bounds a text and makes it valid UTF-8, as the encoding of a saga's state would otherwise change it.
func text(s string, most int) string {
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
