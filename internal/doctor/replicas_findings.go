package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/skald-saga/skald/internal/kafka"
)

// straying finds the classic of clusters that were made anew: assignments to brokers that don't exist.
func (p *patient) straying(w *ward) []Finding {
	var findings []Finding
	who := brokers(w.ghosts)
	if len(w.strays) > 0 {
		findings = append(findings, Finding{
			Severity: Problem,
			Text:     fmt.Sprintf("%s, which the cluster does not know, is to hold replicas of %v", who, w.strays),
			Fix:      "give them to brokers that exist: " + p.reassign(w.strays, func(at place) int { return len(at.replicas) }),
		})
	}
	if len(w.beyondCure) > 0 {
		var deletions []string
		for _, topic := range w.beyondCure.topics() {
			deletions = append(deletions, p.deleteTopic(topic))
		}
		findings = append(findings, Finding{
			Severity: Problem,
			Text:     fmt.Sprintf("%s, which the cluster does not know, is alone to hold %v", who, w.beyondCure),
			Fix:      "start that broker with its node.id and its old data; if they are lost, so are these records, and the topic can be made anew: " + strings.Join(deletions, " && "),
		})
	}
	return findings
}

func (p *patient) withoutLeader(w *ward) []Finding {
	if len(w.leaderless) == 0 {
		return nil
	}
	return []Finding{{
		Severity: Problem,
		Text:     fmt.Sprintf("no leader, so neither reads nor writes: %v", w.leaderless),
		Fix:      "start " + brokers(p.missingFrom(w.leaderless)) + "; if their data is lost, a replica that is behind can lead, which loses records: " + p.Connection.Command("kafka-leader-election.sh", "--election-type", "unclean", "--all-topic-partitions"),
	}}
}

func (p *patient) belowMinimum(w *ward) []Finding {
	if len(w.unmet) == 0 {
		return nil
	}
	start := "start " + brokers(w.absent)
	if len(w.absent) == 0 { // they are on brokers that don't exist
		start = "give the replicas to brokers that exist, as above"
	}
	return []Finding{{
		Severity: Problem,
		Text:     fmt.Sprintf("fewer replicas in sync than min.insync.replicas asks for, so nothing can be written: %v", w.unmet),
		Fix:      start + "; if that takes long, fewer can do for now: " + p.setMinimum(w.unmet.topics(), 1),
	}}
}

func (p *patient) catchingUp(w *ward) []Finding {
	if len(w.behind) == 0 {
		return nil
	}
	return []Finding{{
		Severity: Warning,
		Text:     fmt.Sprintf("replicas out of sync: %v", w.behind),
		Fix:      "start " + brokers(w.absent) + ", or wait until they have caught up",
	}}
}

func (p *patient) aboveReplicas(w *ward) []Finding {
	if len(w.impossible) == 0 {
		return nil
	}
	return []Finding{{
		Severity: Problem,
		Text:     fmt.Sprintf("min.insync.replicas is above the number of replicas, so nothing can ever be written: %v", w.impossible),
		Fix:      p.setMinimum(w.impossible.topics(), 1),
	}}
}

func (p *patient) withoutCopy(w *ward) []Finding {
	if len(w.single) == 0 {
		return nil
	}
	return []Finding{{
		Severity: Warning,
		Text:     fmt.Sprintf("one replica each, so a broker that is down stops sagas and a disk that is lost loses them: %v", w.single),
		Fix:      p.reassign(w.single, func(place) int { return min(len(p.live), 3) }),
	}}
}

func (p *patient) withoutCare(w *ward) []Finding {
	if len(w.carefree) == 0 {
		return nil
	}
	return []Finding{{
		Severity: Warning,
		Text:     fmt.Sprintf("min.insync.replicas is 1, so what a single broker has may count as written: %v", w.carefree),
		Fix:      p.setMinimum(w.carefree.topics(), 2),
	}}
}

func (p *patient) setMinimum(topics []string, n int) string {
	alter := func(topic string) string {
		return p.Connection.Command("kafka-configs.sh", "--alter", "--entity-type", "topics", "--entity-name", topic,
			"--add-config", "min.insync.replicas="+strconv.Itoa(n))
	}
	if len(topics) == 1 {
		return alter(kafka.Quote(topics[0]))
	}
	return "for topic in " + strings.Join(topics, " ") + "; do " + alter(`"$topic"`) + "; done"
}

// reassign is the command that puts each partition on so many brokers that exist, keeping those that it lies on.
func (p *patient) reassign(ps places, replicas func(place) int) string {
	type partition struct {
		Topic     string  `json:"topic"`
		Partition int32   `json:"partition"`
		Replicas  []int32 `json:"replicas"`
	}
	plan := struct {
		Version    int         `json:"version"`
		Partitions []partition `json:"partitions"`
	}{Version: 1}
	load := map[int32]int{}
	for _, at := range ps {
		// One that is down for now may be the only one with all records.
		on := slices.DeleteFunc(slices.Clone(at.replicas), func(id int32) bool { return p.live[id] == "" && p.down[id] == "" })
		others := slices.DeleteFunc(slices.Sorted(maps.Keys(p.live)), func(id int32) bool { return slices.Contains(on, id) })
		slices.SortStableFunc(others, func(a, b int32) int { return cmp.Compare(load[a], load[b]) })
		for _, id := range others[:max(0, min(len(others), replicas(at)-len(on)))] {
			on = append(on, id)
			load[id]++
		}
		plan.Partitions = append(plan.Partitions, partition{at.topic, at.id, on})
	}
	file, err := json.Marshal(plan)
	if err != nil {
		panic(err) // plain values only: can't fail
	}
	return "echo " + kafka.Quote(string(file)) + " > reassign.json && " +
		p.Connection.Command("kafka-reassign-partitions.sh", "--reassignment-json-file", "reassign.json", "--execute")
}

// missingFrom are the brokers that hold partitions and are not there.
func (p *patient) missingFrom(ps places) []int32 {
	var ids []int32
	for _, at := range ps {
		for _, id := range at.replicas {
			if p.live[id] == "" {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// brokers is "broker 3" or "brokers 2, 3".
func brokers(ids []int32) string {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	words := make([]string, 0, len(ids))
	for _, id := range ids {
		words = append(words, strconv.Itoa(int(id)))
	}
	if len(ids) == 1 {
		return "broker " + words[0]
	}
	return "brokers " + strings.Join(words, ", ")
}
