package embedded

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// framed puts the length before a frame.
func framed(frame []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
}

// header is a request's header with an empty client ID and no tags.
func header(key, version int16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	return append(b, 0, 0, 0, 1, 0, 0)
}

func request(req kmsg.Request, version int16) []byte {
	req.SetVersion(version)
	return kmsg.NewRequestFormatter().AppendRequest(nil, req, 1)
}

func joinWithoutProtocol() kmsg.Request {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.ProtocolType, req.SessionTimeoutMillis = "g", "consumer", 6000
	return req
}

func joinWithOneProtocolTwice() kmsg.Request {
	req := joinWithoutProtocol().(*kmsg.JoinGroupRequest)
	req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}, {Name: "range"}}
	return req
}

func produce(batch []byte) kmsg.Request {
	p := kmsg.NewProduceRequestTopicPartition()
	p.Records = batch
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.Partitions = "t", []kmsg.ProduceRequestTopicPartition{p}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.Topics = -1, []kmsg.ProduceRequestTopic{t}
	return req
}

// batchOf is the start of an uncompressed batch that claims n records.
func batchOf(n int32, records ...byte) []byte {
	b := kmsg.NewRecordBatch()
	b.Magic, b.NumRecords, b.LastOffsetDelta, b.Records = 2, n, n-1, records
	b.Length = int32(49 + len(records))
	return b.AppendTo(nil)
}

func batchOfEpoch(epoch int16) []byte {
	b := batchOf(1, 0)
	binary.BigEndian.PutUint16(b[batchEpoch:], uint16(epoch))
	return b
}

// garbage is what the guard has to refuse, and a word of the reason it gives.
var garbage = []struct {
	name  string
	bytes []byte
	want  string
}{
	{"http", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "HTTP"},
	{"tls", []byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03}, "TLS"},
	{"zero size", framed(nil), "a frame of 0 bytes"},
	{"short frame", framed([]byte{0, 18, 0, 0}), "a frame of 4 bytes"},
	{"absurd size", []byte{0x7f, 0xff, 0xff, 0xff}, "a frame of 2147483647 bytes"},
	{"negative size", []byte{0xff, 0xff, 0xff, 0xff}, "a frame of 4294967295 bytes"},
	{"unknown key", framed(header(999, 0)), "API key 999"},
	{"negative key", framed(header(-1, 0)), "API key -1"},
	{"broker's own key", framed(header(4, 0)), "API key 4"},
	{"key that isn't served", framed(header(kmsg.CreateACLs.Int16(), 2)), "API key 30"},
	{"unknown version", framed(header(kmsg.Metadata.Int16(), 99)), "Metadata version 99"},
	{"negative version", framed(header(kmsg.Metadata.Int16(), -1)), "Metadata version -1"},
	{"control frame too large", append(binary.BigEndian.AppendUint32(nil, maxControlFrame+1), header(kmsg.Metadata.Int16(), 9)...), "Metadata of"},
	{"client ID beyond the end", framed([]byte{0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff}), "header ends"},
	{"no body", framed(header(kmsg.Metadata.Int16(), 1)), "doesn't decode"},
	{"array longer than the frame", framed(append(header(kmsg.Metadata.Int16(), 1), 0x7f, 0xff, 0xff, 0xff)), "doesn't decode"},
	{"produce of topic IDs", request(produce(nil), 13), "Produce version 13"},
	{"batch with fewer records", request(produce(batchOf(2, 2, 0)), 9), "doesn't hold the records"},
	{"batch of no record", request(produce(batchOf(0)), 9), "doesn't hold the records"},
	{"batch of negative count", request(produce(batchOf(-7)), 9), "doesn't hold the records"},
	{"record of negative length", request(produce(batchOf(1, 1)), 9), "doesn't hold the records"},
	{"epoch that nobody has", request(produce(batchOfEpoch(32767)), 9), "epoch 32767"},
	{"join without a protocol", request(joinWithoutProtocol(), 5), "offers no protocol"},
	{"join with a protocol twice", request(joinWithOneProtocolTwice(), 5), "twice"},
}

// send writes bytes on a connection of its own and waits for the broker to end it.
func send(t testing.TB, addr string, bytes []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	// The broker may have closed before it read all: then this fails, or the
	// read below says that the connection was reset.
	_, _ = conn.Write(bytes)
	var timeout net.Error
	if _, err := io.Copy(io.Discard, conn); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("the broker left the connection open")
	}
}

func TestGarbageEndsOnlyItsConnection(t *testing.T) {
	var log lockedBuffer
	b := startBrokerLogging(t, slog.New(slog.NewTextHandler(&log, nil)))
	healthy := newClient(t, b, kgo.DefaultProduceTopic("t"), kgo.ConsumeTopics("t"))
	createTopic(t, healthy, 1, nil, "t")

	for i, g := range garbage {
		t.Run(g.name, func(t *testing.T) {
			log.reset()
			send(t, b.Addr(), g.bytes)
			if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, g.want) {
				t.Errorf("want one line with %q in the log, got:\n%s", g.want, got)
			}
			if err := healthy.ProduceSync(testContext(t), kgo.StringRecord(g.name)).FirstErr(); err != nil {
				t.Fatalf("after it a healthy client can't produce: %v", err)
			}
			if got := string(pollRecords(t, healthy, 1)[0].Value); got != g.name {
				t.Errorf("record %d: got %q", i, got)
			}
		})
	}
}

// A client newer than the broker is told what there is, by KIP-511.
func TestNewerApiVersionsIsAnswered(t *testing.T) {
	b := startBroker(t)
	conn, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Version 99 with its flexible header, and a body as of version 5.
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "future", "1"
	if _, err := conn.Write(request(req, 99)); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 10)
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	if code := binary.BigEndian.Uint16(head[8:]); code != 35 {
		t.Errorf("got error code %d, want 35 (UNSUPPORTED_VERSION)", code)
	}
}

// Bytes that come in pieces, several frames in one piece, and one read buffer
// smaller than a frame: nothing of it shows in what kfake reads.
func TestFramesPassUnchanged(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	stream := make([]byte, 0, 2<<20)
	for range 50 {
		batch := batchOf(1, append([]byte{254, 255, 3}, make([]byte, 32767)...)...) // One record of 32,767 bytes.
		stream = append(stream, request(produce(batch), 9)...)
		stream = append(stream, request(kmsg.NewPtrMetadataRequest(), 9)...)
	}
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for rest := stream; len(rest) > 0; {
			n := min(len(rest), 1+rnd.IntN(40_000))
			_, _ = theirs.Write(rest[:n])
			rest = rest[n:]
		}
	}()
	conn := &guardedConn{Conn: ours, logger: slog.New(slog.DiscardHandler), closed: func() {}}
	defer conn.Close()
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, stream) {
		t.Errorf("read %d bytes that differ from the %d sent", len(got), len(stream))
	}
}

// FuzzFrame looks for bytes at which the guard itself would panic. Run it with
// go test -fuzz=FuzzFrame; without, it takes the seeds only.
func FuzzFrame(f *testing.F) {
	for _, g := range garbage {
		f.Add(g.bytes)
	}
	f.Add(request(kmsg.NewPtrMetadataRequest(), 9))
	f.Fuzz(func(t *testing.T, b []byte) {
		var fr frame
		got, err := fr.next(bytes.NewReader(b))
		if err == nil && !bytes.HasPrefix(b, got) {
			t.Errorf("let through %x of %x", got, b)
		}
	})
}

func BenchmarkGuard(b *testing.B) {
	record := make([]byte, 1<<20)
	binary.PutVarint(record, int64(len(record)-3)) // Which takes 3 bytes itself.
	raw := request(produce(batchOf(1, record...)), 9)
	b.SetBytes(int64(len(raw)))
	var fr frame
	r := bytes.NewReader(nil)
	for b.Loop() {
		r.Reset(raw)
		if _, err := fr.next(r); err != nil {
			b.Fatal(err)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}
