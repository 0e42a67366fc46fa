package kafka

import (
	"cmp"
	"slices"
)

// member is one member of the group, as the leader sees it.
type member struct {
	id         string   // unique in the group
	topics     []string // subscribed to
	owned      []int32  // the partition numbers it had last, or believes to have
	generation int32    // of the group, when it got them; -1 if it had none
}

// plan says which numbers each member owns, sorted. Every member has an entry.
type plan map[string][]int32

// assign gives each partition number to one of the members that subscribe to a
// topic which has it. partitions is the count of each topic.
//
// Members keep what they had where the numbers of any two that could stand in
// for each other differ by no more than one. It is a pure function: the order
// of members doesn't matter, and the same input gives the same plan.
func assign(members []member, partitions map[string]int32) plan {
	members = slices.SortedFunc(slices.Values(members), func(a, b member) int { return cmp.Compare(a.id, b.id) })

	s := &assignment{reach: make([]int32, len(members)), owned: make([][]int32, len(members))}
	for i, m := range members {
		for _, topic := range m.topics {
			s.reach[i] = max(s.reach[i], partitions[topic])
		}
	}
	s.keep(members)
	s.hand()
	s.level()

	result := make(plan, len(members))
	for i, m := range members {
		slices.Sort(s.owned[i])
		result[m.id] = s.owned[i]
	}
	return result
}

// assignment is work in progress; members are named by their index.
type assignment struct {
	reach []int32   // a member may own the numbers below
	owned [][]int32 // numbers per member
	free  []int32   // numbers without an owner
}

// keep lets members have what they had. Of two that claim one number the later
// generation is right: the other was away while the group moved on.
func (s *assignment) keep(members []member) {
	if len(members) == 0 {
		return
	}
	const nobody = -1
	owner := make([]int, slices.Max(s.reach))
	for p := range owner {
		owner[p] = nobody
	}
	for i, m := range members {
		for _, p := range m.owned {
			if p < 0 || p >= s.reach[i] {
				continue
			}
			if owner[p] == nobody || members[owner[p]].generation < m.generation {
				owner[p] = i
			}
		}
	}
	for p, i := range owner {
		if i == nobody {
			s.free = append(s.free, int32(p))
		} else {
			s.owned[i] = append(s.owned[i], int32(p))
		}
	}
}

// hand gives each number without an owner to whom has least. Numbers that few
// can take come first, which are the highest.
func (s *assignment) hand() {
	for _, p := range slices.Backward(s.free) {
		to := -1
		for i := range s.owned {
			if p < s.reach[i] && (to < 0 || len(s.owned[i]) < len(s.owned[to])) {
				to = i
			}
		}
		s.owned[to] = append(s.owned[to], p)
	}
	s.free = nil
}

// level moves numbers from whom has most to whom has least, until no move makes
// two members more equal. Each move makes the sum of squares smaller, so it ends;
// and where all reach alike a number moves at most once, as whoever got one has
// no more than the least plus one.
func (s *assignment) level() {
	for s.move() {
	}
}

// move makes one move, the one between the most unequal members.
func (s *assignment) move() bool {
	order := make([]int, len(s.owned)) // by size, largest first; the order of members among equals
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(s.owned[b]), len(s.owned[a])) })

	for _, from := range order {
		for _, to := range slices.Backward(order) {
			if len(s.owned[from])-len(s.owned[to]) < 2 {
				break
			}
			if k := s.movable(from, to); k >= 0 {
				s.owned[to] = append(s.owned[to], s.owned[from][k])
				s.owned[from] = slices.Delete(s.owned[from], k, k+1)
				return true
			}
		}
	}
	return false
}

// movable is the index of the last number of one member that another may own.
func (s *assignment) movable(from, to int) int {
	for k, p := range slices.Backward(s.owned[from]) {
		if p < s.reach[to] {
			return k
		}
	}
	return -1
}
