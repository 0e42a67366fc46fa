package embedded

import (
	"encoding/binary"
	"sync"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// served are the requests that the broker takes: what producers, consumers,
// groups, transactions and the usual tools need. Of what else kfake knows
// (share groups, ACLs, passwords, quotas, moving replicas) nothing makes sense
// on one broker without users, and what isn't served can't crash it.
var served = []kmsg.Key{
	kmsg.ApiVersions, kmsg.Metadata, kmsg.DescribeCluster, kmsg.DescribeTopicPartitions,
	kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets, kmsg.OffsetForLeaderEpoch,
	kmsg.FindCoordinator, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.LeaveGroup,
	kmsg.OffsetCommit, kmsg.OffsetFetch, kmsg.OffsetDelete,
	kmsg.DescribeGroups, kmsg.ListGroups, kmsg.DeleteGroups,
	kmsg.ConsumerGroupHeartbeat, kmsg.ConsumerGroupDescribe,
	kmsg.InitProducerID, kmsg.AddPartitionsToTxn, kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn,
	kmsg.WriteTxnMarkers, kmsg.DescribeProducers, kmsg.DescribeTransactions, kmsg.ListTransactions,
	kmsg.CreateTopics, kmsg.DeleteTopics, kmsg.CreatePartitions, kmsg.DeleteRecords,
	kmsg.DescribeConfigs, kmsg.AlterConfigs, kmsg.IncrementalAlterConfigs, kmsg.ListConfigResources,
	kmsg.DescribeLogDirs,
}

// servedVersions is Apache Kafka's current release less what isn't served.
// kfake caps it by what it knows itself, and tells clients so.
var servedVersions = sync.OnceValue(func() *kversion.Versions {
	keep := make(map[int16]bool, len(served))
	for _, k := range served {
		keep[k.Int16()] = true
	}
	versions := kversion.Stable()
	var drop []int16
	versions.EachMaxKeyVersion(func(k, _ int16) {
		if !keep[k] {
			drop = append(drop, k)
		}
	})
	for _, k := range drop {
		versions.SetMaxKeyVersion(k, -1)
	}
	// From version 13 on topics are named by ID, and kfake panics when two IDs
	// of one request are unknown, as when topics were deleted and made again
	// under a busy producer.
	versions.SetMaxKeyVersion(kmsg.Produce.Int16(), 12)
	return versions
})

// head is the part of a request's header that every version has.
type head struct {
	key     int16
	version int16
}

func parseHead(b []byte) head {
	return head{
		key:     int16(binary.BigEndian.Uint16(b)),
		version: int16(binary.BigEndian.Uint16(b[2:])),
	}
}

// check says whether the request is one that the broker serves, at a length
// that makes sense for it. kfake calls a method of a nil request for a key that
// it doesn't know.
func (h head) check(size uint32) error {
	newest, ok := servedVersions().LookupMaxKeyVersion(h.key)
	if !ok {
		return refuse("API key %d, version %d: not served here", h.key, h.version)
	}
	// A client that is newer than the broker begins with its own version of
	// ApiVersions, and is answered with what there is (KIP-511).
	if h.version < 0 || h.version > newest && h.key != kmsg.ApiVersions.Int16() {
		return refuse("%s version %d: only 0 to %d are known", kmsg.NameForKey(h.key), h.version, newest)
	}
	if size > maxControlFrame && h.key != kmsg.Produce.Int16() {
		return refuse("%s of %d bytes: more than %d are only taken for produce requests", kmsg.NameForKey(h.key), size, maxControlFrame)
	}
	return nil
}

// checkBody decodes what follows the head in the way that kfake will, and
// refuses what doesn't decode or what kfake would choke on.
func (h head) checkBody(b []byte) error {
	req := kmsg.RequestForKey(h.key)
	req.SetVersion(h.version)
	reader := kbin.Reader{Src: b}
	reader.NullableString() // Client ID.
	if req.IsFlexible() {
		kmsg.SkipTags(&reader)
	}
	if !reader.Ok() {
		return refuse("%s version %d: its header ends in the middle", kmsg.NameForKey(h.key), h.version)
	}
	if err := req.ReadFrom(reader.Src); err != nil {
		return refuse("%s version %d: doesn't decode: %v", kmsg.NameForKey(h.key), h.version, err)
	}
	return checkRequest(req)
}

// checkRequest refuses what decodes well but would make kfake panic. Mistakes
// that a person can make get an answer instead: see policy.go.
func checkRequest(req kmsg.Request) error {
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		return checkBatches(req)
	case *kmsg.JoinGroupRequest:
		return checkProtocols(req)
	}
	return nil
}

// checkProtocols: kfake counts how often each protocol is offered in a group,
// and panics if none is offered as often as there are members.
func checkProtocols(req *kmsg.JoinGroupRequest) error {
	if len(req.Protocols) == 0 {
		return refuse("JoinGroup of %.100q offers no protocol", req.Group)
	}
	offered := make(map[string]bool, len(req.Protocols))
	for _, p := range req.Protocols {
		if offered[p.Name] {
			return refuse("JoinGroup of %.100q offers protocol %.100q twice", req.Group, p.Name)
		}
		offered[p.Name] = true
	}
	return nil
}
