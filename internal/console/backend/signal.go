package backend

import "sync"

// Signal wakes whoever waits for the next Notify. The zero value is ready.
type Signal struct {
	mu   sync.Mutex
	next chan struct{}
}

// Changed is closed by the next Notify.
func (s *Signal) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = make(chan struct{})
	}
	return s.next
}

// Notify wakes all that wait.
func (s *Signal) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
		s.next = nil
	}
}
