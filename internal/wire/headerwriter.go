package wire

import (
	"strconv"
	"time"
)

// pair is what a header is, here and in Kafka's clients.
type pair = struct {
	Key   string
	Value []byte
}

// header is any client library's type of a record header.
type header interface{ ~pair }

// headerWriter appends headers to one array and their values to another: on each hop there are some fifteen, and an allocation for each
// was a tenth of what a hop costs.
type headerWriter[H header] struct {
	headers []H
	values  []byte
}

func (w *headerWriter[H]) text(key, value string) { w.add(key, append(w.values, value...)) }

func (w *headerWriter[H]) number(key string, n int) {
	w.add(key, strconv.AppendInt(w.values, int64(n), 10))
}

func (w *headerWriter[H]) time(key string, t time.Time) {
	if !t.IsZero() {
		w.add(key, t.UTC().AppendFormat(w.values, time.RFC3339Nano))
	}
}

// add takes what was appended to the values as a header's. Each is cut off at its end, so that nobody who appends to one writes into
// the next. When the array has grown the values before lie in the old one, and are as good there.
func (w *headerWriter[H]) add(key string, values []byte) {
	from := len(w.values)
	w.values = values
	if len(values) > from {
		w.headers = append(w.headers, H(pair{key, values[from:len(values):len(values)]}))
	}
}
