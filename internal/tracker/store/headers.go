package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// HeaderHash is what a header of an event is found by: of its name and value, and so of the same size however long they are.
// In a store of ten million hashes one search in a million millions gives a saga too many.
func HeaderHash(name string, value []byte) int64 {
	b := make([]byte, 0, 128)
	b = append(append(append(b, name...), 0), value...)
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// bucketBits is how many sagas share a bucket, as a power of two. Rows in the order of hashes alone would each lie on a page of
// their own, and a batch would write as many pages as it has records; a bucket's take about a megabyte. A search looks
// into every bucket: at a million sagas, 62 of them.
const bucketBits = 14

var bucketShift = strconv.Itoa(bucketBits)

func bucketOf(saga int64) int64 { return saga >> bucketBits }

// headerRow is one of saga_header.
func headerRow(saga, hash int64) []any { return []any{bucketOf(saga), hash, saga} }

func compareHeaders(a, b []any) int {
	for i := range a {
		if c := cmp.Compare(a[i].(int64), b[i].(int64)); c != 0 {
			return c
		}
	}
	return 0
}

var headerColumns = []column{bigint("bucket"), bigint("hash"), bigint("saga")}

// holding is a query for the numbers of the sagas that have a header, given the highest number of all.
func (s *Store) holding(hash, last int64) (query string, args []any) {
	buckets := make([]any, 0, bucketOf(last)+1)
	for b := range bucketOf(last) + 1 {
		buckets = append(buckets, b)
	}
	among, args := s.in(`bucket`, "bigint", buckets)
	return `SELECT saga FROM saga_header WHERE ` + among + ` AND hash = ?`, append(args, hash)
}
