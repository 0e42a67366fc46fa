package traffic

import (
	"math"
	"slices"
	"time"
)

// The buckets: eight per power of two from a millisecond on, so that a time is known to 9 %; the last one is for 12 days and more.
const (
	perOctave = 8
	octaves   = 30
	buckets   = perOctave*octaves + 1
)

// histogram counts times by bucket. Most of them have few.
type histogram map[int]int64

// bucketOf gives the bucket of a time: 0 is for less than a millisecond.
func bucketOf(d time.Duration) int {
	if d < time.Millisecond {
		return 0
	}
	return min(buckets-1, 1+int(perOctave*math.Log2(float64(d)/float64(time.Millisecond))))
}

// edge is the upper end of a bucket.
func edge(bucket int) time.Duration {
	return time.Duration(float64(time.Millisecond) * math.Exp2(float64(bucket)/perOctave))
}

func (h histogram) count() (n int64) {
	for _, more := range h {
		n += max(0, more)
	}
	return n
}

// quantile gives a time that the share q of all is not above, to within a bucket; 0 if there is none.
func (h histogram) quantile(q float64) time.Duration {
	n := h.count()
	if n == 0 {
		return 0
	}
	rank := max(1, int64(math.Ceil(q*float64(n))))
	all := make([]int, 0, len(h))
	for bucket := range h {
		all = append(all, bucket)
	}
	slices.Sort(all)
	for _, bucket := range all {
		if rank -= max(0, h[bucket]); rank <= 0 {
			return edge(bucket)
		}
	}
	return edge(buckets - 1)
}
