package demo

import (
	"slices"
	"sync"

	"github.com/skald-saga/skald/services/events"
)

// Hires is a list of new hires that is used up one by one. It is safe for concurrent use.
type Hires struct {
	mu   sync.Mutex
	left []events.NewUser // the next one is the last, so that one can be put back
}

// NewHires is a list of the given hires, in this order, or of [NewHireList] if none is given.
func NewHires(hires ...events.NewUser) *Hires {
	if len(hires) == 0 {
		hires = NewHireList()
	}
	left := slices.Clone(hires)
	slices.Reverse(left)
	return &Hires{left: left}
}

// Peek gives the next one and leaves it in the list; false if the list is used up.
func (h *Hires) Peek() (events.NewUser, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.left) == 0 {
		return events.NewUser{}, false
	}
	return h.left[len(h.left)-1], true
}

// Next takes the next one from the list; false if the list is used up.
func (h *Hires) Next() (events.NewUser, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.left) == 0 {
		return events.NewUser{}, false
	}
	next := h.left[len(h.left)-1]
	h.left = h.left[:len(h.left)-1]
	return next, true
}

// PutBack makes somebody the next one: who was taken, and whose saga couldn't be started after all.
func (h *Hires) PutBack(u events.NewUser) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left = append(h.left, u)
}

// Remaining is how many are left.
func (h *Hires) Remaining() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.left)
}
