package brokertest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cluster is an Apache Kafka of one or more nodes on this machine.
type Cluster struct {
	Nodes []*Kafka

	// Certificates are for the listeners with TLS; nil if there are none.
	Certificates *Certificates

	dir string
}

// StartCluster starts nodes 1 to n, in folders of their own, and returns when all know each other. Stop it.
//
// With three nodes or more all are controllers, so that one of three may be killed without loss of the rest. With fewer
// node 1 alone is. Replication factors of Kafka's own topics, and the default of others, are n, at most 3.
func StartCluster(n int, options ...Option) (*Cluster, error) {
	libs, err := libraries()
	if err != nil {
		return nil, err
	}
	dir, err := newFolder()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	remember(c)
	if err := c.start(n, libs, newSettings(options)); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) start(n int, libs string, s *settings) (err error) {
	if s.encrypts() {
		if c.Certificates, err = newCertificates(filepath.Join(c.dir, "certificates")); err != nil {
			return err
		}
	}
	for id := range n {
		k := &Kafka{ID: int32(id + 1), cluster: c, dir: filepath.Join(c.dir, fmt.Sprintf("node-%d", id+1)), heap: s.heap, libraries: libs}
		if err := os.MkdirAll(k.dir, 0o700); err != nil {
			return err
		}
		c.Nodes = append(c.Nodes, k)
	}
	if err := c.giveAddresses(s); err != nil {
		return err
	}
	id := uuid.New()
	id[0] &= 0x7f                                          // one that begins with '-' would be taken for a flag
	cluster := base64.RawURLEncoding.EncodeToString(id[:]) // as Kafka writes a UUID
	if err := c.each(func(k *Kafka) error { return k.format(cluster, s) }); err != nil {
		return err
	}
	if err := c.each((*Kafka).Start); err != nil {
		return err
	}
	return c.awaitAll()
}

// each does something with all nodes at once.
func (c *Cluster) each(do func(*Kafka) error) error {
	var all sync.WaitGroup
	errs := make([]error, len(c.Nodes))
	for i, k := range c.Nodes {
		all.Go(func() { errs[i] = do(k) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// awaitAll returns when each node has been admitted as a broker.
func (c *Cluster) awaitAll() error {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for {
		req := kmsg.NewPtrMetadataRequest()
		req.Topics = []kmsg.MetadataRequestTopic{}
		resp, err := req.RequestWith(ctx, client)
		if err == nil && len(resp.Brokers) == len(c.Nodes) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the %d nodes of Apache Kafka did not find each other: %w", len(c.Nodes), errors.Join(ctx.Err(), err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Addrs are the addresses of all nodes at the listener without encryption or login.
func (c *Cluster) Addrs() []string {
	return c.AddrsOf(openListener)
}

// AddrsOf are the addresses of all nodes at one of the listeners that the cluster was started with.
func (c *Cluster) AddrsOf(listener string) []string {
	addrs := make([]string, 0, len(c.Nodes))
	for _, k := range c.Nodes {
		addrs = append(addrs, k.AddrOf(listener))
	}
	return addrs
}

// Stop ends all processes, as crashes do since nobody needs their data any more, and removes that.
func (c *Cluster) Stop() {
	for _, k := range c.Nodes {
		k.Kill()
	}
	os.RemoveAll(c.dir)
	forget(c)
}

const folderPrefix = "skald-kafka-"

// newFolder makes a folder whose name tells whose it is, and removes those that killed test binaries left behind.
func newFolder() (string, error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), folderPrefix), "-")
		pid, err := strconv.Atoi(owner)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			os.RemoveAll(dir)
		}
	}
	return os.MkdirTemp("", fmt.Sprintf("%s%d-", folderPrefix, os.Getpid()))
}
