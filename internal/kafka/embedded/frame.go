package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The bounds of a frame's size, which is what follows its 4 bytes of length.
const (
	// minFrame is the shortest request header: API key, version, correlation ID.
	minFrame = 8

	// MaxFrame is the largest request that is taken: 100 MiB, as by Kafka's own
	// default of socket.request.max.bytes.
	MaxFrame = 100 << 20

	// maxControlFrame bounds everything but produce requests. The largest that
	// are legal (metadata or offsets of some ten thousand partitions, the plan
	// of a large group) stay well below, and a decoder may take 100 times the
	// memory of what it decodes.
	maxControlFrame = 4 << 20

	// keepFrame is how much memory a connection keeps between two frames.
	keepFrame = 2 << 20
)

// refusal is why a frame was not let through.
type refusal struct{ reason string }

func (r *refusal) Error() string { return r.reason }

func refuse(format string, args ...any) error {
	return &refusal{fmt.Sprintf(format, args...)}
}

// frame reads one frame after the other into the same memory.
type frame struct{ buf bytes.Buffer }

// next reads a frame and checks it. What it returns holds the 4 bytes of length
// too, and is valid until the next call. The error is a *refusal or what r said.
func (f *frame) next(r io.Reader) ([]byte, error) {
	if f.buf.Cap() > keepFrame {
		f.buf = bytes.Buffer{}
	}
	f.buf.Reset()

	// The API key decides how long a frame may be, so it is read before room
	// is made for the rest.
	var head [4 + minFrame]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:4])
	if size < minFrame || size > MaxFrame {
		return nil, refuse("a frame of %d bytes, where %d to %d are allowed%s", size, minFrame, MaxFrame, guessProtocol(head[:4]))
	}
	if _, err := io.ReadFull(r, head[4:]); err != nil {
		return nil, err
	}
	h := parseHead(head[4:])
	if err := h.check(size); err != nil {
		return nil, err
	}

	// The buffer grows with what arrives: the size is only a claim.
	f.buf.Write(head[:])
	if _, err := io.CopyN(&f.buf, r, int64(size)-minFrame); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if err := h.checkBody(f.buf.Bytes()[len(head):]); err != nil {
		return nil, err
	}
	return f.buf.Bytes(), nil
}

// guessProtocol names what else is often pointed at Kafka's port.
func guessProtocol(first []byte) string {
	switch {
	case first[0] == 0x16 && first[1] == 0x03:
		return " (this looks like TLS: the embedded broker speaks none)"
	case bytes.Equal(first, []byte("GET ")), bytes.Equal(first, []byte("POST")), bytes.Equal(first, []byte("HEAD")), bytes.Equal(first, []byte("PUT ")):
		return " (this looks like HTTP: it is Kafka's port, not the console's)"
	}
	return ""
}
