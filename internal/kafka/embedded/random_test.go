package embedded

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Requests that decode well and mean nothing, in any version, from several
// clients at once: a panic of kfake ends the test binary, and a kfake that hangs
// fails the healthy client at the end. Raise perClient to look for more.
func TestRandomRequests(t *testing.T) {
	const clients, perClient = 4, 2500
	b := startBroker(t)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			g := &randomizer{rand.New(rand.NewPCG(1, uint64(i)))}
			for left := perClient; left > 0; {
				n, err := g.talk(b.Addr(), min(left, 1+g.IntN(20)))
				if err != nil {
					t.Error(err)
					return
				}
				left -= n
			}
		})
	}
	all.Wait()

	cl := newClient(t, b, kgo.DefaultProduceTopic("after"), kgo.ConsumeTopics("after"))
	createTopic(t, cl, 1, nil, "after")
	if err := cl.ProduceSync(testContext(t), kgo.StringRecord("x")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	pollRecords(t, cl, 1)
}

type randomizer struct{ *rand.Rand }

// talk sends up to n requests on one connection, each after the answer to the
// one before, and says how many it sent. It gives up the connection when there
// is no answer soon: the guard closed it, or the request is one that waits.
func (g *randomizer) talk(addr string, n int) (sent int, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for sent < n {
		sent++
		if err := conn.SetDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			return sent, err
		}
		if _, err := conn.Write(g.request()); err != nil {
			return sent, nil
		}
		var size [4]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return sent, nil
		}
		if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(size[:]))); err != nil {
			return sent, nil
		}
	}
	return sent, nil
}

func (g *randomizer) request() []byte {
	key := served[g.IntN(len(served))]
	for (key == kmsg.DeleteTopics || key == kmsg.DeleteGroups) && g.IntN(50) > 0 {
		key = served[g.IntN(len(served))] // Else nothing would ever be there for the others.
	}
	req := kmsg.RequestForKey(key.Int16())
	g.fill("", reflect.ValueOf(req).Elem())
	return request(req, int16(g.IntN(int(req.MaxVersion())+1)))
}

// plausible are values of fields that let a request get far enough to do harm.
var plausible = map[string][]any{
	"Topic": {"t", "u"}, "Partition": {0, 1, 2}, "NumPartitions": {1, 2, 3}, "Count": {1, 2, 3, 4}, "ReplicationFactor": {-1},
	"Group": {"g", "h"}, "MemberID": {"", "m"}, "InstanceID": {"i", "j"}, "ProtocolType": {"consumer"}, "Name": {"range", "sticky", "retention.ms"},
	"SessionTimeoutMillis": {100, 300}, "RebalanceTimeoutMillis": {50, 100}, "Generation": {-1, 0, 1, 2}, "MemberEpoch": {-1, 0, 1, 2}, "ServerAssignor": {"range", "uniform"},
	"TransactionalID": {"tx", "ty"}, "TransactionTimeoutMillis": {1, 100}, "ProducerID": {-1, 1, 2}, "ProducerEpoch": {-1, 0, 1},
	"Acks": {-1}, "ReplicaID": {-1}, "CurrentLeaderEpoch": {-1, 0}, "LeaderEpoch": {-1, 0}, "FetchOffset": {0, 1, 5}, "Offset": {-1, 0, 1, 5},
	"MaxWaitMillis": {0, 1}, "MinBytes": {0, 1}, "MaxBytes": {1 << 20}, "PartitionMaxBytes": {1 << 20}, "Timestamp": {-3, -2, -1, 0, 1},
}

// fill sets a value at random; name is that of the field that it belongs to.
func (g *randomizer) fill(name string, v reflect.Value) {
	if likely := plausible[name]; likely != nil && v.Kind() != reflect.Pointer && g.IntN(12) > 0 {
		if value := reflect.ValueOf(likely[g.IntN(len(likely))]); value.CanConvert(v.Type()) && (value.Kind() == reflect.String) == (v.Kind() == reflect.String) {
			v.Set(value.Convert(v.Type()))
			return
		}
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{"", "t", "g", "m", "..", "classic", "compact"}[g.IntN(7)])
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(g.number() >> (64 - v.Type().Bits()))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		v.SetUint(g.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case reflect.Pointer:
		if g.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			g.fill(name, v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(g.bytes())
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), g.IntN(4), 4))
		for i := range v.Len() {
			g.fill(name, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			g.fill("", v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Name != "UnknownTags" && field.Name != "Version" {
				g.fill(field.Name, v.Field(i))
			}
		}
	}
}

// number is one of those that code trips over, to be shifted to its width.
func (g *randomizer) number() int64 {
	switch g.IntN(4) {
	case 0:
		return math.MaxInt64
	case 1:
		return math.MinInt64
	case 2:
		return -1
	}
	return g.Int64()
}

// bytes are records, a subscription, or nothing sensible.
func (g *randomizer) bytes() []byte {
	switch g.IntN(4) {
	case 0:
		b := make([]byte, g.IntN(80))
		for i := range b {
			b[i] = byte(g.Uint32())
		}
		return b
	case 1:
		meta := kmsg.NewConsumerMemberMetadata()
		meta.Topics = []string{"t", "u"}[:g.IntN(3)]
		return meta.AppendTo(nil)
	}
	return g.batch()
}

// batch has the right checksum. Its records are right as well, or there are as
// many as it says.
func (g *randomizer) batch() []byte {
	b := kmsg.NewRecordBatch()
	b.Magic = 2
	b.Attributes = int16(g.IntN(32)) &^ 7 // Not compressed; of a transaction or not.
	b.NumRecords = int32(g.IntN(4))
	b.LastOffsetDelta = b.NumRecords - 1
	g.fill("ProducerID", reflect.ValueOf(&b.ProducerID).Elem())
	g.fill("ProducerEpoch", reflect.ValueOf(&b.ProducerEpoch).Elem())
	b.FirstSequence = int32(g.IntN(3))
	b.FirstTimestamp, b.MaxTimestamp = g.Int64N(10), g.Int64N(10)
	for i := range b.NumRecords {
		r := kmsg.NewRecord()
		r.OffsetDelta, r.Key = i, []byte("k")
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		if g.IntN(20) == 0 {
			r.Length = int32(g.number())
		}
		b.Records = r.AppendTo(b.Records)
	}
	b.Length = int32(49 + len(b.Records))
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}
