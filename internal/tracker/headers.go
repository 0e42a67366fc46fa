package tracker

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald/internal/wire"
)

// encodeHeaders packs a record's headers for the store: each key and value behind its length.
func encodeHeaders(headers []kgo.RecordHeader) []byte {
	size := 0
	for _, h := range headers {
		size += len(h.Key) + len(h.Value) + 2*binary.MaxVarintLen32
	}
	b := make([]byte, 0, size)
	for _, h := range headers {
		b = append(binary.AppendUvarint(b, uint64(len(h.Key))), h.Key...)
		b = append(binary.AppendUvarint(b, uint64(len(h.Value))), h.Value...)
	}
	return b
}

// decodeHeaders is the inverse; values share b's memory. Of bytes that aren't what encodeHeaders made it gives what can be read.
func decodeHeaders(b []byte) []wire.Header {
	headers := make([]wire.Header, 0, 20)
	for len(b) > 0 {
		key, rest, ok := cut(b)
		if !ok {
			break
		}
		value, rest, ok := cut(rest)
		if !ok {
			break
		}
		headers = append(headers, wire.Header{Key: string(key), Value: value})
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
