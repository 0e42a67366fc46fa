package kafka

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// group draws members that remember any nonsense.
func group(topics []string) *rapid.Generator[[]member] {
	return rapid.Custom(func(t *rapid.T) []member {
		n := rapid.IntRange(1, 9).Draw(t, "members")
		members := make([]member, 0, n)
		for i := range n {
			members = append(members, member{
				id:         fmt.Sprintf("m%d", i),
				topics:     rapid.SliceOfNDistinct(rapid.SampledFrom(topics), 1, len(topics), rapid.ID[string]).Draw(t, "topics"),
				owned:      rapid.SliceOfDistinct(rapid.Int32Range(-1, 20), rapid.ID[int32]).Draw(t, "owned"),
				generation: rapid.Int32Range(-1, 4).Draw(t, "generation"),
			})
		}
		return members
	})
}

func reachOf(m member, partitions map[string]int32) int32 {
	var reach int32
	for _, topic := range m.topics {
		reach = max(reach, partitions[topic])
	}
	return reach
}

// sized is the number of numbers of the fullest and of the emptiest member.
func sized(p plan) (most, least int) {
	least = 1 << 30
	for _, numbers := range p {
		most, least = max(most, len(numbers)), min(least, len(numbers))
	}
	return most, least
}

// remembering is the group as it joins again after it got the plan.
func remembering(members []member, p plan, generation int32) []member {
	again := make([]member, 0, len(members))
	for _, m := range members {
		m.owned, m.generation = p[m.id], generation
		again = append(again, m)
	}
	return again
}

func owners(p plan) map[int32]string {
	result := map[int32]string{}
	for id, numbers := range p {
		for _, n := range numbers {
			result[n] = id
		}
	}
	return result
}

// moved counts the numbers that another member owns than before.
func moved(before, after plan) int {
	was, n := owners(before), 0
	for p, id := range owners(after) {
		if was[p] != id {
			n++
		}
	}
	return n
}

// Whatever members claim, and however topics differ.
func TestEachNumberHasOneOwnerThatCanUseIt(t *testing.T) {
	topics := []string{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		members := group(topics).Draw(t, "group")
		partitions := map[string]int32{}
		for _, topic := range topics {
			partitions[topic] = rapid.Int32Range(0, 16).Draw(t, topic)
		}
		got := assign(members, partitions)

		var reach int32
		byID := map[string]member{}
		for _, m := range members {
			byID[m.id] = m
			reach = max(reach, reachOf(m, partitions))
		}
		count := map[int32]int{}
		for id, numbers := range got {
			for _, p := range numbers {
				count[p]++
				if p < 0 || p >= reachOf(byID[id], partitions) {
					t.Errorf("%s owns %d, of which it has no topic", id, p)
				}
			}
		}
		for p := range reach {
			if count[p] != 1 {
				t.Errorf("%d has %d owners", p, count[p])
			}
		}
		// No single move would make it more equal.
		for from, numbers := range got {
			for to := range got {
				if len(numbers)-len(got[to]) > 1 && slices.Min(numbers) < reachOf(byID[to], partitions) {
					t.Errorf("%s owns %v while %s, which could own some, has %v", from, numbers, to, got[to])
				}
			}
		}
	})
}

// All topics of a service have one partition count: then balance is within one
// for all members, also while they subscribe to different topics.
func TestBalancedWithinOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32Range(1, 20).Draw(t, "partitions")
		members := group([]string{"a", "b"}).Draw(t, "group")
		most, least := sized(assign(members, map[string]int32{"a": n, "b": n}))
		if most-least > 1 {
			t.Errorf("one member owns %d, another %d", most, least)
		}
	})
}

func TestOrderOfMembersDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := group([]string{"a", "b"}).Draw(t, "group")
		partitions := map[string]int32{"a": 12, "b": rapid.Int32Range(1, 16).Draw(t, "b")}
		want := assign(members, partitions)
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		if diff := cmp.Diff(want, assign(members, partitions)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStickiness(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32Range(1, 20).Draw(t, "partitions")
		partitions := map[string]int32{"a": n, "b": n}
		members := group([]string{"a", "b"}).Draw(t, "group")
		before := assign(members, partitions)
		again := remembering(members, before, 7)

		if diff := cmp.Diff(before, assign(again, partitions)); diff != "" {
			t.Errorf("nobody came or went, but: %s", diff)
		}

		// One leaves: its numbers go to the others, and those keep theirs.
		if len(again) > 1 {
			gone := rapid.IntRange(0, len(again)-1).Draw(t, "gone")
			rest := slices.Delete(slices.Clone(again), gone, gone+1)
			after := assign(rest, partitions)
			if got, want := moved(before, after), len(before[again[gone].id]); got != want {
				t.Errorf("%s left with %d numbers, but %d moved", again[gone].id, want, got)
			}
		}

		// One joins: only what it gets moves, and it gets its share.
		joined := append(slices.Clone(again), member{id: "new", topics: []string{"a"}, generation: -1})
		after := assign(joined, partitions)
		if got, want := moved(before, after), len(after["new"]); got != want {
			t.Errorf("a member joined and got %d, but %d moved", want, got)
		}
		if share := int(n) / len(joined); len(after["new"]) < share {
			t.Errorf("the new member got %d of %d", len(after["new"]), n)
		}
	})
}

// A zombie comes back and claims what others have got since.
func TestLaterGenerationWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int32Range(1, 20).Draw(t, "partitions")
		partitions := map[string]int32{"a": n}
		var live []member
		for i := range rapid.IntRange(1, 5).Draw(t, "live") {
			live = append(live, member{id: fmt.Sprintf("m%d", i), topics: []string{"a"}})
		}
		before := assign(live, partitions)
		live = remembering(live, before, 9)
		zombie := member{
			// First or last in order.
			id:         rapid.SampledFrom([]string{"a", "z"}).Draw(t, "zombie"),
			topics:     []string{"a"},
			owned:      rapid.SliceOfDistinct(rapid.Int32Range(0, n-1), rapid.ID[int32]).Draw(t, "owned"),
			generation: rapid.Int32Range(-1, 8).Draw(t, "generation"),
		}
		after := assign(append(live, zombie), partitions)
		// It is treated like a member that never owned anything.
		zombie.owned, zombie.generation = nil, -1
		if diff := cmp.Diff(assign(append(remembering(live, before, 9), zombie), partitions), after); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAssignNobody(t *testing.T) {
	if got := assign(nil, map[string]int32{"a": 4}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}
