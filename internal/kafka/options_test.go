package kafka

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestDefaultConnection(t *testing.T) {
	cl, err := kgo.NewClient(Connection{}.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if diff := cmp.Diff([]string{"127.0.0.1:9092"}, cl.OptValue(kgo.SeedBrokers)); diff != "" {
		t.Error(diff)
	}
	if got := cl.OptValue(kgo.ClientID); got != "skald" {
		t.Errorf("client ID %v", got)
	}
}

func TestClientLogIsQuiet(t *testing.T) {
	var b bytes.Buffer
	l := &clientLogger{logger: slog.New(slog.NewTextHandler(&b, nil))}
	for range 100 {
		l.Log(kgo.LogLevelWarn, "unable to open connection to broker", "addr", "127.0.0.1:1")
	}
	l.Log(kgo.LogLevelError, "something else")
	got := b.String()
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, "level=WARN") || !strings.Contains(got, "addr=127.0.0.1:1") || !strings.Contains(got, "level=ERROR") {
		t.Errorf("got:\n%s", got)
	}
	if now := time.Now(); !l.due("unable to open connection to broker", now.Add(repeatEvery)) {
		t.Error("the same message isn't let through later")
	}
}
