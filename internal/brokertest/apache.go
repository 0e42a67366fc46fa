package brokertest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	kafkaVersion = "4.3.0"
	startTimeout = time.Minute
	stopTimeout  = 20 * time.Second
)

//go:embed pom.xml
var pom []byte

var running struct {
	once  sync.Once
	kafka *Kafka
	err   error
}

// shared starts Apache Kafka at its first call. Main stops it.
func shared() (string, error) {
	running.once.Do(func() { running.kafka, running.err = StartKafka() })
	if running.err != nil {
		return "", running.err
	}
	return running.kafka.Addr, nil
}

// Main is for TestMain of packages that use Apache: it runs the tests and stops the broker. It gives the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if running.kafka != nil {
		running.kafka.Stop()
	}
	return code
}

// Kafka is a running Apache Kafka: one node, controller and broker in one process.
type Kafka struct {
	Addr string

	dir     string
	libs    string
	process *exec.Cmd
	exited  chan struct{}
	output  *bytes.Buffer
}

// StartKafka starts a node in a folder of its own. Stop it.
func StartKafka() (*Kafka, error) {
	libs, err := libraries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "skald-kafka-")
	if err != nil {
		return nil, err
	}
	k := &Kafka{dir: dir, libs: libs}
	if err := k.format(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	if err := k.Start(); err != nil {
		k.Stop()
		return nil, err
	}
	return k, nil
}

// Start starts the process (again) and returns when it answers.
func (k *Kafka) Start() error {
	k.output = &bytes.Buffer{}
	k.process = k.java("kafka.Kafka", k.properties())
	k.process.Stdout, k.process.Stderr = k.output, k.output
	// The broker must not outlive a test binary that is killed.
	k.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := k.process.Start(); err != nil {
		return fmt.Errorf("start Apache Kafka: %w", err)
	}
	k.exited = make(chan struct{})
	go func() {
		_ = k.process.Wait() // killed on purpose, so its error says nothing
		close(k.exited)
	}()
	return k.await()
}

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
			return fmt.Errorf("Apache Kafka ended at once:\n%s", k.output)
		case <-ctx.Done():
			return fmt.Errorf("Apache Kafka does not answer at %s: %w", k.Addr, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Kill ends the process as a crash does. Its data stays.
func (k *Kafka) Kill() {
	if k.process == nil || k.process.Process == nil {
		return
	}
	_ = k.process.Process.Kill() // may have ended already
	<-k.exited
}

// Stop ends the process and removes its data.
func (k *Kafka) Stop() {
	if k.process != nil && k.process.Process != nil {
		_ = k.process.Process.Signal(syscall.SIGTERM) // may have ended already
		select {
		case <-k.exited:
		case <-time.After(stopTimeout):
			k.Kill()
		}
	}
	os.RemoveAll(k.dir)
}

func (k *Kafka) properties() string { return filepath.Join(k.dir, "server.properties") }

func (k *Kafka) java(class string, args ...string) *exec.Cmd {
	return exec.Command("java", append([]string{"-Xmx1g", "-cp", filepath.Join(k.libs, "*"), class}, args...)...)
}

// format writes the configuration and the metadata log of a new cluster.
func (k *Kafka) format() error {
	broker, controller, err := freePorts()
	if err != nil {
		return err
	}
	k.Addr = fmt.Sprintf("127.0.0.1:%d", broker)
	properties := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
controller.listener.names=CONTROLLER
log.dirs=%[3]s
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
`, broker, controller, filepath.Join(k.dir, "data"))
	if err := os.WriteFile(k.properties(), []byte(properties), 0o600); err != nil {
		return err
	}
	id := uuid.New()
	out, err := k.java("kafka.tools.StorageTool", "format", "--standalone", "-t", clusterID(id), "-c", k.properties()).CombinedOutput()
	if err != nil {
		return fmt.Errorf("format Apache Kafka's storage: %w\n%s", err, out)
	}
	return nil
}

// libraries gives the folder with Kafka's jars, from the cache or from Maven.
func libraries() (string, error) {
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("no %s on the PATH (Java 17 and Maven are needed, or SKALD_TEST_BROKERS)", tool)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	libs := filepath.Join(cache, "skald", "kafka-"+kafkaVersion)
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	// Test binaries of several packages may get here at once: each fetches into a folder of its own, one wins.
	temp, err := os.MkdirTemp("", "skald-maven-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp)
	if err := os.WriteFile(filepath.Join(temp, "pom.xml"), pom, 0o600); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(libs), 0o755); err != nil {
		return "", err
	}
	fetched := fmt.Sprintf("%s.%d", libs, os.Getpid())
	fetch := exec.Command("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+fetched)
	fetch.Dir = temp
	if out, err := fetch.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch Apache Kafka by Maven: %w\n%s", err, out)
	}
	if err := os.Rename(fetched, libs); err != nil && !errors.Is(err, os.ErrExist) {
		if _, there := os.Stat(libs); there != nil {
			return "", err
		}
		os.RemoveAll(fetched)
	}
	return libs, nil
}

func freePorts() (a, b int, err error) {
	var ports [2]int
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, 0, err
		}
		defer l.Close() // both stay taken until both are known
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports[0], ports[1], nil
}

// clusterID is a UUID the way Kafka writes it: base64 without padding, for URLs.
func clusterID(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }
