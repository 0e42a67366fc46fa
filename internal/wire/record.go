package wire

import "time"

// Record is a Kafka record with no client library in sight: what rooms that only look at bytes pass around.
type Record struct {
	Topic     string    `json:"topic"` // without the namespace prefix
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Time      time.Time `json:"time"` // the broker's or the producer's timestamp, as the topic is configured
	Key       []byte    `json:"key,omitempty"`
	Headers   Headers   `json:"headers,omitempty"`
	Value     []byte    `json:"value,omitempty"`
}

// Header gives the first header of that name, or "" if there is none.
func (r *Record) Header(key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Size is how many bytes the record takes, give or take its frame.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
