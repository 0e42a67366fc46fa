package embedded

import "github.com/twmb/franz-go/pkg/kmsg"

// maxPartitions bounds the partitions of one topic. kfake makes as many as it
// is asked for, up to 2,147,483,647.
const maxPartitions = 10_000

// checkRequest refuses what decodes well but would hurt kfake.
func checkRequest(req kmsg.Request) error {
	switch req := req.(type) {
	case *kmsg.CreateTopicsRequest:
		for i := range req.Topics {
			if n := req.Topics[i].NumPartitions; n > maxPartitions {
				return refuse("topic %.100q with %d partitions: at most %d are allowed", req.Topics[i].Topic, n, maxPartitions)
			}
		}
	case *kmsg.CreatePartitionsRequest:
		for i := range req.Topics {
			if n := req.Topics[i].Count; n > maxPartitions {
				return refuse("topic %.100q with %d partitions: at most %d are allowed", req.Topics[i].Topic, n, maxPartitions)
			}
		}
	}
	return nil
}
