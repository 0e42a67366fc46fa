package brokertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(victim) != "" {
		beKilled()
	}
	code := Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// What is written with all three nodes is there with two, and with three again; in the end nothing is left.
func TestClusterLivesThroughANode(t *testing.T) {
	c := NewCluster(t, 3)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.ConsumeTopics("t"), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	created, err := kadm.NewClient(client).CreateTopic(ctx, 1, -1, nil, "t")
	if err != nil {
		t.Fatal(err)
	}
	if created.ReplicationFactor != 3 {
		t.Errorf("replication factor %d", created.ReplicationFactor)
	}

	pids := make([]int, 0, len(c.Nodes)+1)
	for _, k := range c.Nodes {
		pids = append(pids, k.process.Process.Pid)
	}
	write := func(value string) {
		t.Helper()
		if err := client.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	write("by three")
	topics, err := kadm.NewClient(client).ListTopics(ctx, "t")
	if err != nil {
		t.Fatal(err)
	}
	leader := c.Nodes[topics["t"].Partitions[0].Leader-1]
	leader.Kill()
	write("by two")
	if err := leader.Start(); err != nil {
		t.Fatal(err)
	}
	write("by three again")
	read := 0
	for read < 3 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("read %d records, then %v", read, ctx.Err())
		}
		read += fetches.NumRecords()
	}

	c.Stop()
	for _, pid := range append(pids, leader.process.Process.Pid) {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
	if _, err := os.Stat(c.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", c.dir, err)
	}
}

func TestFoldersOfTheDeadAreRemoved(t *testing.T) {
	const noProcess = 1 << 30 // above the kernel's largest process ID
	dead, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPrefix, noProcess))
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dead)
	mine, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(mine)
	other, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(other)
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dead, err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}

// victim makes the test binary start a broker, tell its process, and wait to be killed.
const victim = "SKALD_TEST_VICTIM"

func beKilled() {
	k, err := StartKafka()
	if err != nil {
		panic(err)
	}
	fmt.Println(k.process.Process.Pid, k.cluster.dir)
	select {}
}

func TestBrokerDiesWithItsTestBinary(t *testing.T) {
	NeedsApache(t)
	binary := exec.Command(os.Args[0])
	binary.Env = append(os.Environ(), victim+"=yes")
	binary.Stderr = os.Stderr
	out, err := binary.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := binary.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var dir string
	_, scanned := fmt.Fscan(out, &pid, &dir)
	if err := binary.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = binary.Wait() // killed
	if scanned != nil {
		t.Fatal(scanned)
	}
	for deadline := time.Now().Add(10 * time.Second); !gone(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the broker's process %d lives on", pid)
		}
	}
	mine, err := newFolder()
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(mine)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

// gone says whether a process has ended. One that its new parent has not yet waited for has.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}
