package brokertest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// tools are the classes behind Kafka's scripts of these names.
var tools = map[string]string{
	"kafka-acls.sh":                "org.apache.kafka.tools.AclCommand",
	"kafka-cluster.sh":             "org.apache.kafka.tools.ClusterTool",
	"kafka-configs.sh":             "kafka.admin.ConfigCommand",
	"kafka-features.sh":            "org.apache.kafka.tools.FeatureCommand",
	"kafka-leader-election.sh":     "org.apache.kafka.tools.LeaderElectionCommand",
	"kafka-reassign-partitions.sh": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
	"kafka-topics.sh":              "org.apache.kafka.tools.TopicCommand",
}

// Type runs a line in a shell that finds Kafka's own tools, as an administrator would type it. It gives what was printed.
func Type(t testing.TB, line string) (string, error) {
	t.Helper()
	NeedsApache(t)
	libs, err := libraries()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(tools)) {
		script := fmt.Sprintf("#!/bin/sh\nexec java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp '%s/*' %s \"$@\"\n", libs, tools[name])
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil { //nolint:gosec // It is to be run.
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", line)
	shell.Dir = dir
	shell.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := shell.CombinedOutput()
	return string(out), err
}
