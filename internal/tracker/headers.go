package tracker

import (
	"encoding/binary"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/wire"
)

// commonHeaders are stored as their place in this list: their names would be a fourth of the database. The list belongs to
// the stored format (see stateVersion); new names go to its end.
var commonHeaders = []string{
	wire.HeaderSpecVersion, wire.HeaderID, wire.HeaderSource, wire.HeaderType, wire.HeaderTime, wire.HeaderSubject,
	wire.HeaderDataSchema, wire.HeaderContentType, wire.HeaderSagaID, wire.HeaderWorkflow, wire.HeaderCausationID,
	wire.HeaderHop, wire.HeaderRoute, wire.HeaderPartitionKey, wire.HeaderParentSaga, wire.HeaderAcceptedTime,
	wire.HeaderStartedTime, wire.HeaderAttempt, wire.HeaderLastError, wire.HeaderTraceParent,
}

// encodeHeaders packs a record's headers for the store: of each the place of its name among the common ones, counted from 1,
// or 0 and its name; then its value. Names and values stand behind their lengths.
func encodeHeaders(headers []kgo.RecordHeader) []byte {
	size := 0
	for _, h := range headers {
		size += len(h.Key) + len(h.Value) + 1 + 2*binary.MaxVarintLen32
	}
	b := make([]byte, 0, size)
	for _, h := range headers {
		common := slices.Index(commonHeaders, h.Key) + 1
		b = append(b, byte(common))
		if common == 0 {
			b = append(binary.AppendUvarint(b, uint64(len(h.Key))), h.Key...)
		}
		b = append(binary.AppendUvarint(b, uint64(len(h.Value))), h.Value...)
	}
	return b
}

// decodeHeaders is the inverse; values share b's memory. Of bytes that aren't what encodeHeaders made it gives what can be read.
func decodeHeaders(b []byte) []wire.Header {
	headers := make([]wire.Header, 0, 20)
	for len(b) > 0 {
		common, rest := int(b[0]), b[1:]
		var h wire.Header
		switch {
		case common > len(commonHeaders):
			return headers
		case common > 0:
			h.Key = commonHeaders[common-1]
		default:
			key, after, ok := cut(rest)
			if !ok {
				return headers
			}
			h.Key, rest = string(key), after
		}
		value, rest, ok := cut(rest)
		if !ok {
			return headers
		}
		h.Value = value
		headers = append(headers, h)
		b = rest
	}
	return headers
}

func cut(b []byte) (part, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	end := size + int(n)
	return b[size:end:end], b[end:], true
}
