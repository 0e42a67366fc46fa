package embedded

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Where a record batch (message format v2) has what is checked here.
const (
	batchHeader     = 61
	batchMagic      = 16
	batchAttributes = 21
	batchNumRecords = 57
)

// checkBatches makes sure that kfake can walk the records of uncompressed
// batches, which it does when it is asked for an offset by time. What is wrong
// with a batch otherwise (its checksum, its sequence) kfake finds itself and
// answers with an error. Compressed batches are taken at their word: to look
// into them would cost every producer a decompression.
func checkBatches(req *kmsg.ProduceRequest) error {
	for i := range req.Topics {
		topic := &req.Topics[i]
		for j := range topic.Partitions {
			if p := &topic.Partitions[j]; !walkable(p.Records) {
				return refuse("Produce to %.100q, partition %d: the batch doesn't hold the records that its header promises", topic.Topic, p.Partition)
			}
		}
	}
	return nil
}

func walkable(batch []byte) bool {
	if len(batch) < batchHeader || batch[batchMagic] != 2 {
		return true // Which kfake answers with CORRUPT_MESSAGE.
	}
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
