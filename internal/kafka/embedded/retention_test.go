package embedded

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestRetentionKeepsWhatIsUnreadAndWhatIsToBeKept(t *testing.T) {
	b, err := Start(Config{Addr: "127.0.0.1:0", Keep: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	forever := "-1"
	for topic, configs := range map[string]map[string]*string{
		"read": nil, "half-read": nil, "never-read-by-a-group": nil, "kept": {"retention.ms": &forever},
	} {
		if _, err := admin.CreateTopic(ctx, 1, 1, configs, topic); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			r := &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}
			cl.Produce(ctx, r, nil)
		}
	}
	// Groups commit before the records are flushed: the first pass must not find a topic that nobody seems to read.
	for topic, at := range map[string]int64{"read": 1000, "half-read": 500} {
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, at, -1)
		if _, err := admin.CommitOffsets(ctx, "group-"+topic, offsets); err != nil {
			t.Fatal(err)
		}
	}
	if err := cl.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"read": 900, "half-read": 500, "never-read-by-a-group": 900, "kept": 0}
	for {
		starts, err := admin.ListStartOffsets(ctx)
		if err != nil {
			t.Fatalf("log starts never became %v: %v", want, err)
		}
		got := map[string]int64{}
		starts.Each(func(o kadm.ListedOffset) { got[o.Topic] = o.Offset })
		for topic, start := range got {
			if start > want[topic] {
				t.Fatalf("%s begins at %d, records from %d on must be kept", topic, start, want[topic])
			}
		}
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
	}
}
