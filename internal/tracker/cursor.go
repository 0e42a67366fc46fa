package tracker

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/skald-saga/skald/internal/tracker/store"
)

// A cursor is a place in a list, with a sum over it and over what made the list: so one that was garbled, or is another query's, is
// told from one that fits.
const (
	placeBytes = 16
	sumBytes   = 8
)

func (q Query) encodeCursor(p store.Place) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(p.Started))
	b = binary.BigEndian.AppendUint64(b, uint64(p.N))
	return base64.RawURLEncoding.EncodeToString(append(b, q.sum(b)...))
}

func (q Query) decodeCursor() (store.Place, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(q.Cursor)
	if err != nil || len(b) != placeBytes+sumBytes || string(b[placeBytes:]) != string(q.sum(b[:placeBytes])) {
		return store.Place{}, &QueryError{"cursor", "isn't one that a page of the same query gave as its next"}
	}
	return store.Place{Started: int64(binary.BigEndian.Uint64(b)), N: int64(binary.BigEndian.Uint64(b[8:]))}, nil
}

// sum is over a place, and all of the query that says which sagas there are and in which order. Of times it's only whether they are
// bounded: bounds that move with the clock, as "older than an hour" does, still give sagas that fit.
func (q Query) sum(place []byte) []byte {
	cause := ""
	if q.Cause != "" { // cursors of queries without are as they were
		cause = " cause " + q.Cause
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%x %q %q %q %q %q %t %t %t %t %t%s", place, q.Workflow, q.Status, q.Service, q.Topic, q.Search,
		q.StartedAfter.IsZero(), q.StartedBefore.IsZero(), q.Overdue, q.Stuck, q.OldestFirst, cause))
	return sum[:sumBytes]
}
