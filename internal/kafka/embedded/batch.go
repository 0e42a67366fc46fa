package embedded

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Where a record batch (message format v2) has what is checked here.
const (
	batchMagic      = 16
	batchAttributes = 21
	batchEpoch      = 51
	batchNumRecords = 57
	batchHeader     = 61
)

// maxEpoch is the last producer epoch that kfake hands out before it changes the
// producer ID.
const maxEpoch = 32766

// checkBatches looks for what kfake takes and can't cope with later. What is
// wrong with a batch otherwise (its checksum, its sequence) kfake finds itself,
// and answers with an error.
func checkBatches(req *kmsg.ProduceRequest) error {
	for i := range req.Topics {
		topic := &req.Topics[i]
		for j := range topic.Partitions {
			p := &topic.Partitions[j]
			if len(p.Records) < batchHeader || p.Records[batchMagic] != 2 {
				continue // Which kfake answers with CORRUPT_MESSAGE.
			}
			// kfake believes any later epoch. Once a transaction at the very
			// last one times out, it looks for the next for ever.
			if epoch := int16(binary.BigEndian.Uint16(p.Records[batchEpoch:])); epoch > maxEpoch {
				return refuse("Produce to %.100q, partition %d: producer epoch %d, which the broker never gave out", topic.Topic, p.Partition, epoch)
			}
			if !walkable(p.Records) {
				return refuse("Produce to %.100q, partition %d: the batch doesn't hold the records that its header promises", topic.Topic, p.Partition)
			}
		}
	}
	return nil
}

// walkable says whether kfake can walk the records of an uncompressed batch,
// which it does when it is asked for an offset by time. Compressed batches are
// taken at their word: to look into them would cost every producer a
// decompression.
func walkable(batch []byte) bool {
	n := int32(binary.BigEndian.Uint32(batch[batchNumRecords:]))
	if n < 1 {
		return false
	}
	if batch[batchAttributes+1]&0x07 != 0 {
		return true
	}
	records := batch[batchHeader:]
	for range n {
		length, width := binary.Varint(records)
		if width <= 0 || length < 0 || length > int64(len(records)-width) {
			return false
		}
		records = records[width+int(length):]
	}
	return len(records) == 0
}
