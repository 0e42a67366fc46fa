package mailbox

import "hash/maphash"

// remembered is how many Message-IDs are remembered at least. It takes some 10 MB for each half.
const remembered = 500_000

// recent remembers which of the last n to 2n different strings it was given. It keeps 64 bits of each: with a million of them one
// in some 20 million runs takes a string for another one.
type recent struct {
	n               int
	seed            maphash.Seed
	current, former map[uint64]struct{}
}

func newRecent(n int) *recent {
	return &recent{n: n, seed: maphash.MakeSeed(), current: map[uint64]struct{}{}}
}

// add says whether s is new.
func (r *recent) add(s string) bool {
	h := maphash.String(r.seed, s)
	if _, known := r.current[h]; known {
		return false
	}
	if _, known := r.former[h]; known {
		return false
	}
	if len(r.current) == r.n {
		r.current, r.former = map[uint64]struct{}{}, r.current
	}
	r.current[h] = struct{}{}
	return true
}
