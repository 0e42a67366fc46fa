package tracker

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/skald-saga/skald/internal/tracker/store"
	"github.com/skald-saga/skald/internal/wire"
)

// traceName is what a trace ID is found by. It isn't a header's name, but a part of one.
const traceName = "trace"

// maxSearchable bounds by how many headers a record is found: anybody may send any number.
const maxSearchable = 32

// headerHashes says by which headers a record's saga is to be found: the event's ID, its trace, and what its producer has put beside
// CloudEvents' attributes and Skald's.
func headerHashes(headers []wire.Header) []int64 {
	var hashes []int64
	for _, h := range headers {
		switch {
		case len(hashes) == maxSearchable:
			return hashes
		case h.Key == wire.HeaderTraceParent:
			if trace, ok := traceOf(string(h.Value)); ok {
				hashes = append(hashes, store.HeaderHash(traceName, []byte(trace)))
			}
		case h.Key == wire.HeaderID || !isOwnHeader(h.Key):
			hashes = append(hashes, store.HeaderHash(h.Key, h.Value))
		}
	}
	return hashes
}

var ownHeaders = func() map[string]bool {
	own := map[string]bool{}
	for _, name := range commonHeaders {
		own[name] = true
	}
	return own
}()

// isOwnHeader says whether a header is CloudEvents' or Skald's.
func isOwnHeader(name string) bool {
	return ownHeaders[name] || strings.HasPrefix(name, "skald-") || strings.HasPrefix(name, "dlq-") || strings.HasPrefix(name, "kafka_dlt-")
}

// traceOf takes the trace ID out of a traceparent: W3C Trace Context, section 3.2.
func traceOf(parent string) (trace string, ok bool) {
	parts := strings.Split(parent, "-")
	if len(parts) < 4 {
		return "", false
	}
	return traceID(parts[1])
}

func traceID(s string) (trace string, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 16 || !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
		return "", false
	}
	return strings.ToLower(s), true
}

// nameAndValue is a search for a header. Names with other characters are part of a business key.
var nameAndValue = regexp.MustCompile(`^(?s)([\w.-]+)=(.*)$`)

// searchedHeader gives what a search for a header has to find, nil if the search isn't for one.
func searchedHeader(search string) (hash *int64, err error) {
	match := nameAndValue.FindStringSubmatch(search)
	if match == nil {
		return nil, nil //nolint:nilnil // a search for something else is no error
	}
	name, value := match[1], match[2]
	switch trace, isTrace := traceID(value); {
	case name == traceName && isTrace:
		value = trace
	case name == wire.HeaderTraceParent:
		var ok bool
		if value, ok = traceOf(value); !ok {
			return nil, &QueryError{"search", "traceparent has to be whole, such as 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01; trace=… takes the trace ID alone"}
		}
		name = traceName
	case name != wire.HeaderID && isOwnHeader(name):
		return nil, &QueryError{"search", "finds headers ce_id, traceparent or trace=…, and those that are neither CloudEvents' nor Skald's, but not " + name +
			"; a business key that contains " + name + "= is found by what follows, from the equals sign on"}
	}
	h := store.HeaderHash(name, []byte(value))
	return &h, nil
}
