package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/brokertest"
)

// What operators do beside.
const (
	scaledUp     = "scaled up"
	scaledDown   = "scaled down"
	rolled       = "rolled"
	nodeKilled   = "broker killed"
	leadersMoved = "leaders moved"
)

// service is one of the services, with whoever operates it: its instances are touched by operate alone.
type service struct {
	run       *run
	name      string
	program   []string
	random    *rand.Rand
	instances []*instance
	numbers   int // instances so far
}

// operate makes the planned faults one after another, and rolls and scales in between.
func (s *service) operate() {
	for i, kind := range s.plan() {
		if s.run.ctx.Err() != nil {
			return
		}
		err := s.fault(kind)
		s.run.mu.Lock()
		s.run.made++
		s.run.mu.Unlock()
		if err == nil {
			err = s.maintain(i)
		}
		if err != nil {
			s.run.fail(fmt.Errorf("%s, %s: %w", s.name, kind, err))
			return
		}
		s.pause(time.Second)
	}
	s.makeUp()
}

// makeUp tries again what hasn't happened yet, as its trap was set when there was little to do.
func (s *service) makeUp() {
	const tries = 3
	mine := slices.Clone(kinds)
	if s.name == "notifier" {
		mine = append(mine, mailed)
	}
	for range tries {
		for _, kind := range mine {
			if s.run.tally.of(kind) > 0 || s.run.ctx.Err() != nil {
				continue
			}
			if err := s.fault(kind); err != nil {
				s.run.fail(fmt.Errorf("%s, %s: %w", s.name, kind, err))
			}
		}
	}
}

// maintain is what an operator does after a fault; by number, so that it is done in any run.
func (s *service) maintain(i int) error {
	switch {
	case s.name == "authorizer" && i == s.run.faults/3:
		return s.roll()
	case s.name == "notifier" && i%4 == 0:
		added, err := s.add()
		if err != nil {
			return err
		}
		s.run.tally.add(s.name, scaledUp)
		return added.awaitJoined(0, s.run.ctx.Done())
	case s.name == "notifier" && i%4 == 2, s.name == "provisioner" && i%4 == 1:
		s.run.tally.add(s.name, scaledDown)
		return s.remove()
	case s.name == "provisioner" && i%4 == 3:
		added, err := s.add()
		if err != nil {
			return err
		}
		s.run.tally.add(s.name, scaledUp)
		return added.awaitJoined(0, s.run.ctx.Done())
	}
	return nil
}

// add starts one more instance.
func (s *service) add() (*instance, error) {
	i := &instance{service: s.name, name: fmt.Sprintf("%s-%d", s.name, s.numbers), program: s.program, failed: s.run.fail}
	if s.numbers%2 == 0 { // half of them have slots
		i.slot = fmt.Sprint(s.numbers)
	}
	s.numbers++
	var err error
	if i.proxy, err = newProxy(s.run.cluster.addrs); err != nil {
		return nil, err
	}
	s.run.t.Cleanup(func() {
		if err := i.proxy.Close(); err != nil {
			s.run.t.Error(err)
		}
	})
	if s.name == "notifier" {
		if i.relay, err = newRelay(s.run.mails.Addr()); err != nil {
			return nil, err
		}
		s.run.t.Cleanup(i.relay.close)
	}
	if i.said, err = newTranscript(filepath.Join(s.run.folder, i.name+".log")); err != nil {
		return nil, err
	}
	s.run.t.Cleanup(func() { i.said.file.Close() })
	if err := i.start(); err != nil {
		return nil, err
	}
	s.run.t.Cleanup(i.kill)
	s.instances = append(s.instances, i)
	return i, nil
}

// remove takes one instance away, as an operator scales down: a slot that won't come back is given up.
func (s *service) remove() error {
	n := s.random.IntN(len(s.instances))
	i := s.instances[n]
	s.instances = slices.Delete(s.instances, n, n+1)
	if err := i.stop(); err != nil || i.slot == "" {
		return err
	}
	_, err := skald.Leave(s.run.ctx, skald.Config{Brokers: s.run.cluster.addrs, Prefix: s.run.prefix, Logger: brokertest.Logger()}, s.name, i.slot)
	return err
}

// roll replaces one instance after another by the next version.
func (s *service) roll() error {
	next, err := s.run.nextVersion()
	if err != nil {
		return err
	}
	s.program = next
	for _, i := range s.instances {
		if err := i.stop(); err != nil {
			return err
		}
		joined, _ := i.said.look()
		i.program = next
		if err := i.start(); err != nil {
			return err
		}
		if err := i.awaitJoined(joined, s.run.ctx.Done()); err != nil {
			return err
		}
		s.pause(time.Second)
	}
	s.run.tally.add(s.name, rolled)
	return nil
}

// troubleCluster moves leaders and kills and restarts nodes, a third as often as a service is troubled.
func (r *run) troubleCluster() {
	client, err := kgo.NewClient(kgo.SeedBrokers(r.cluster.addrs...))
	if err != nil {
		r.fail(err)
		return
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	random := rand.New(rand.NewPCG(r.seed, 77))
	for range r.faults / 3 {
		for _, trouble := range []func(context.Context, *kadm.Client, *rand.Rand) error{r.moveLeaders, r.killNode} {
			if err := trouble(r.ctx, admin, random); err != nil {
				r.fail(err)
				return
			}
			select {
			case <-r.ctx.Done():
				return
			case <-time.After(time.Duration(random.Int64N(int64(5 * time.Second)))):
			}
		}
	}
}

// moveLeaders puts another replica first in each partition's list, and has the first ones elected.
func (r *run) moveLeaders(ctx context.Context, admin *kadm.Client, random *rand.Rand) error {
	topics, err := admin.ListTopicsWithInternal(ctx)
	if err != nil {
		return err
	}
	var move kadm.AlterPartitionAssignmentsReq
	by := 1 + random.IntN(len(r.cluster.apache.Nodes)-1)
	topics.EachPartition(func(p kadm.PartitionDetail) {
		rotated := append(slices.Clone(p.Replicas[by:]), p.Replicas[:by]...)
		move.Assign(p.Topic, p.Partition, rotated)
	})
	if _, err := admin.AlterPartitionAssignments(ctx, move); err != nil {
		return err
	}
	if err := r.awaitReplicas(ctx, admin); err != nil {
		return err
	}
	if _, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, nil); err != nil {
		return err
	}
	r.tally.add("cluster", leadersMoved)
	return nil
}

// killNode kills a node of the cluster and starts it again.
func (r *run) killNode(ctx context.Context, admin *kadm.Client, random *rand.Rand) error {
	node := r.cluster.apache.Nodes[random.IntN(len(r.cluster.apache.Nodes))]
	node.Kill()
	select {
	case <-time.After(time.Duration(random.Int64N(int64(6 * time.Second)))): // shorter and longer than it takes to be noticed
	case <-ctx.Done():
	}
	if err := node.Start(); err != nil {
		return err
	}
	r.tally.add("cluster", nodeKilled)
	return r.awaitReplicas(ctx, admin)
}

// awaitReplicas waits until every replica is in sync: the next node may be killed only then.
func (r *run) awaitReplicas(ctx context.Context, admin *kadm.Client) error {
	for {
		topics, err := admin.ListTopicsWithInternal(ctx)
		behind := 0
		topics.EachPartition(func(p kadm.PartitionDetail) {
			if len(p.ISR) < len(r.cluster.apache.Nodes) {
				behind++
			}
		})
		if err == nil && behind == 0 {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d partitions have replicas that aren't in sync: %w (%w)", behind, context.Cause(ctx), err)
		}
	}
}

// tally counts what happened, by whom and kind.
type tally struct {
	mu    sync.Mutex
	count map[string]map[string]int
}

func newTally() *tally { return &tally{count: map[string]map[string]int{}} }

func (t *tally) add(who, kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count[kind] == nil {
		t.count[kind] = map[string]int{}
	}
	t.count[kind][who]++
}

func (t *tally) of(kind string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, count := range t.count[kind] {
		n += count
	}
	return n
}

// String is a table.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	columns := append(slices.Clone(serviceNames), "cluster")
	var b strings.Builder
	fmt.Fprintf(&b, "%-24s", "fault")
	for _, c := range columns {
		fmt.Fprintf(&b, "%12s", c)
	}
	for _, kind := range append(append([]string{mailed}, kinds...), scaledUp, scaledDown, rolled, nodeKilled, leadersMoved) {
		fmt.Fprintf(&b, "\n%-24s", kind)
		for _, c := range columns {
			fmt.Fprintf(&b, "%12d", t.count[kind][c])
		}
	}
	return b.String()
}
