package brokertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const startTimeout = time.Minute

// Kafka is one node of an Apache Kafka: broker, and in most clusters controller, in one process.
type Kafka struct {
	Addr string // of the listener without encryption or login
	ID   int32

	cluster   *Cluster
	addrs     map[string]string // by listener
	dir       string
	heap      string
	libraries string
	process   *exec.Cmd
	exited    chan struct{}
}

// StartKafka starts a cluster of one node in a folder of its own. Stop it.
func StartKafka(options ...Option) (*Kafka, error) {
	c, err := StartCluster(1, options...)
	if err != nil {
		return nil, err
	}
	return c.Nodes[0], nil
}

// AddrOf is the node's address at one of the listeners that it was started with.
func (k *Kafka) AddrOf(listener string) string { return k.addrs[listener] }

// Start starts the process (again) and returns when it answers.
func (k *Kafka) Start() error {
	if err := k.launch(); err != nil {
		return err
	}
	return k.await()
}

func (k *Kafka) launch() error {
	output, err := os.OpenFile(k.output(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer output.Close()
	k.process = k.java(k.heap, "kafka.Kafka", k.properties())
	k.process.Stdout, k.process.Stderr = output, output
	// The broker must not outlive a test binary that is killed. The signal comes when the *thread* that started
	// the process ends, so that thread is kept until the process has ended.
	k.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	exited := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := k.process.Start()
		started <- err
		if err == nil {
			_ = k.process.Wait() // killed on purpose, so its error says nothing
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start Apache Kafka: %w", err)
	}
	k.exited = exited
	return nil
}

// await returns when the node answers and knows all nodes of a cluster that starts.
func (k *Kafka) await() error {
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Addr))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		ping, done := context.WithTimeout(ctx, time.Second)
		err := client.Ping(ping)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-k.exited:
			return fmt.Errorf("node %d of Apache Kafka ended at once:\n%s", k.ID, k.said())
		case <-ctx.Done():
			return fmt.Errorf("node %d of Apache Kafka does not answer at %s: %w\n%s", k.ID, k.Addr, err, k.said())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// said is the end of what the process wrote.
func (k *Kafka) said() string {
	const most = 8 << 10
	out, err := os.ReadFile(k.output())
	if err != nil {
		return err.Error()
	}
	return string(out[max(0, len(out)-most):])
}

// Kill ends the process as a crash does. Its data stays.
func (k *Kafka) Kill() {
	if k.exited == nil {
		return
	}
	_ = k.process.Process.Kill() // may have ended already
	<-k.exited
}

// Freeze stops the process as a long pause does: the kernel still takes connections, and nobody answers. Thaw lets it go on.
func (k *Kafka) Freeze() error { return k.signal(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (k *Kafka) Thaw() error { return k.signal(syscall.SIGCONT) }

func (k *Kafka) signal(s syscall.Signal) error {
	if k.exited == nil {
		return errors.New("the node was never started")
	}
	return k.process.Process.Signal(s)
}

// Stop ends the whole cluster that the node belongs to, and removes its data.
func (k *Kafka) Stop() { k.cluster.Stop() }

func (k *Kafka) properties() string { return filepath.Join(k.dir, "server.properties") }

func (k *Kafka) output() string { return filepath.Join(k.dir, "output.log") }

func (k *Kafka) java(heap, class string, args ...string) *exec.Cmd {
	flags := []string{"-Xmx" + heap, "-XX:+UseSerialGC", "-cp", filepath.Join(k.libraries, "*"), class}
	return exec.Command("java", slices.Concat(flags, args)...)
}
