package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/skald-saga/skald/internal/kafka"
)

// kafkasOwn are topics of Kafka's without which no transaction or group works.
var kafkasOwn = []string{"__consumer_offsets", "__transaction_state"}

// ward is the replicas of all partitions that Skald needs, sorted by what is wrong with them.
type ward struct {
	partitions int

	leaderless  places
	strays      places // replicas on brokers that don't exist
	beyondCure  places // of those, where no other replica is left
	ghosts      []int32
	unmet       places         // fewer in sync than min.insync.replicas
	behind      places         // fewer in sync than there are replicas
	impossible  places         // min.insync.replicas is above the number of replicas
	single      places         // one replica, though there are several brokers
	carefree    places         // three replicas, and one is enough for a write
	absent      []int32        // brokers that exist and are out of sync somewhere
	leastInSync map[string]int // min.insync.replicas by topic
}

// place is a partition.
type place struct {
	topic    string
	id       int32
	replicas []int32
}

// examineReplicas looks where partitions lie.
func (p *patient) examineReplicas(ctx context.Context) ([]Finding, error) {
	w, err := p.visit(ctx)
	all := []func(*ward) []Finding{
		p.straying, p.withoutLeader, p.belowMinimum, p.catchingUp, p.aboveReplicas, p.withoutCopy, p.withoutCare,
	}
	var findings []Finding
	for _, examine := range all {
		findings = append(findings, examine(w)...)
	}
	if len(findings) == 0 && w.partitions > 0 {
		findings = append(findings, Finding{Severity: OK, Text: count(w.partitions, "partition") + ", each with a leader and all replicas in sync"})
	}
	if len(p.live) == 1 && len(p.down) == 0 {
		findings = append(findings, Finding{Severity: OK, Text: "there is one broker: what its disk loses is lost"})
	}
	return findings, err
}

func (p *patient) visit(ctx context.Context) (*ward, error) {
	w := &ward{leastInSync: map[string]int{}}
	var topics []kadm.TopicDetail
	needed := p.ours()
	for _, topic := range p.topics.Sorted() {
		_, ours := needed[topic.Topic]
		system := strings.HasPrefix(topic.Topic, p.namespace.Topic("skald."))
		if (ours || system || slices.Contains(kafkasOwn, topic.Topic)) && topic.Err == nil {
			topics = append(topics, topic)
		}
	}
	err := p.askMinimum(ctx, w, topics)
	for _, topic := range topics {
		for _, partition := range topic.Partitions.Sorted() {
			w.partitions++
			p.sort(w, partition)
		}
	}
	return w, err
}

// sort puts a partition where it belongs.
func (p *patient) sort(w *ward, d kadm.PartitionDetail) {
	at := place{d.Topic, d.Partition, d.Replicas}
	alive := 0
	stray := false
	for _, id := range d.Replicas {
		if _, ok := p.live[id]; ok {
			alive++
		} else if _, ok := p.down[id]; !ok {
			stray = true
			w.ghosts = append(w.ghosts, id)
			continue
		}
		if !slices.Contains(d.ISR, id) {
			w.absent = append(w.absent, id)
		}
	}
	add := func(to *places, yes bool) {
		if yes {
			*to = append(*to, at)
		}
	}
	least := w.leastInSync[d.Topic]
	possible := len(d.Replicas) >= least
	led := d.Leader >= 0
	unmet := possible && led && len(d.ISR) < least
	add(&w.strays, stray && alive > 0)
	add(&w.beyondCure, stray && alive == 0)
	add(&w.leaderless, !led && (!stray || alive > 0))
	add(&w.unmet, unmet)
	add(&w.behind, led && !unmet && !stray && len(d.ISR) < len(d.Replicas))
	add(&w.impossible, !possible)
	add(&w.single, len(d.Replicas) == 1 && alive == 1 && len(p.live) > 1)
	add(&w.carefree, len(d.Replicas) >= 3 && least < 2)
}

// askMinimum asks for min.insync.replicas, which may be the topic's own or the cluster's. Where it isn't told it counts as 1.
func (p *patient) askMinimum(ctx context.Context, w *ward, topics []kadm.TopicDetail) error {
	names := make([]string, 0, len(topics))
	for _, t := range topics {
		names = append(names, t.Topic)
		w.leastInSync[t.Topic] = 1
	}
	if len(names) == 0 {
		return nil
	}
	described, err := p.admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return err
	}
	var denied error
	for _, topic := range described {
		if topic.Err != nil && !slices.Contains(kafkasOwn, topic.Name) { // few users may look into Kafka's own
			denied = kafka.About(topic.Err, kafka.Topic, topic.Name)
		}
		for _, c := range topic.Configs {
			if c.Key != "min.insync.replicas" {
				continue
			}
			if w.leastInSync[topic.Name], err = strconv.Atoi(c.MaybeValue()); err != nil {
				return fmt.Errorf("min.insync.replicas of topic %q: %w", topic.Name, err)
			}
		}
	}
	return denied
}

// places are partitions, in the order of topics.
type places []place

func (ps places) topics() []string {
	var topics []string
	for _, at := range ps {
		topics = append(topics, at.topic)
	}
	return slices.Compact(topics)
}

// String names the partitions of the first topics, and counts the rest.
func (ps places) String() string {
	const most = 5
	topics := ps.topics()
	var named []string
	for _, topic := range topics[:min(most, len(topics))] {
		var ids []string
		for _, at := range ps {
			if at.topic == topic {
				ids = append(ids, strconv.Itoa(int(at.id)))
			}
		}
		named = append(named, fmt.Sprintf("%s (%s)", topic, strings.Join(ids, ",")))
	}
	s := fmt.Sprintf("%s: %s", count(len(ps), "partition"), strings.Join(named, ", "))
	if len(topics) > most {
		s += fmt.Sprintf(" and %s more", count(len(topics)-most, "topic"))
	}
	return s
}
