package wire

import (
	"encoding/json"
	"strconv"
	"time"
)

// appendText appends a string as JSON. What needs no escape, as names and IDs don't, is written as it is: a hop has a dozen of
// them, and encoding/json would take more time than the hop's own bookkeeping.
func appendText(b []byte, s string) []byte {
	if isPlain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string: can't fail
	}
	return append(b, quoted...)
}

// isPlain says that nothing in a string is escaped in JSON, by encoding/json's rules, which spare HTML, too.
func isPlain(s string) bool {
	for i := range len(s) {
		if !plainLetters[s[i]] {
			return false
		}
	}
	return true
}

var plainLetters = func() (in [256]bool) {
	for c := byte(0x20); c <= 0x7e; c++ {
		in[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return in
}()

// The fields below are left out when they are zero, as omitempty and omitzero say.

func appendTextField(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(append(b, name...), s)
}

func appendNumberField(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendTimeField(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendTime(append(b, name...), t)
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

func appendTrueField(b []byte, name string, yes bool) []byte {
	if !yes {
		return b
	}
	return append(append(b, name...), "true"...)
}
