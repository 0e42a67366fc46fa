package demo

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skald-saga/skald/services/events"
)

func TestHiresAreValidAndDiffer(t *testing.T) {
	hires := NewHireList()
	if len(hires) < 60 {
		t.Errorf("%d hires, want 60 at least", len(hires))
	}
	emails, departments := map[string]bool{}, map[string]bool{}
	for _, u := range hires {
		if err := u.Validate(); err != nil {
			t.Errorf("%s: %v", u.Name, err)
		}
		if emails[u.Email] {
			t.Errorf("%s is there twice", u.Email)
		}
		emails[u.Email], departments[u.Department] = true, true
	}
	if len(departments) != len(events.Departments) {
		t.Errorf("departments %v, want all of them", departments)
	}
}

func TestHiresAreUsedUpInOrder(t *testing.T) {
	a, b := events.NewUser{Name: "A"}, events.NewUser{Name: "B"}
	h := NewHires(a, b)
	got := make([]string, 0, 2)
	for range 2 {
		peeked, _ := h.Peek()
		next, ok := h.Next()
		if !ok || next != peeked {
			t.Errorf("peeked %v, got %v, %t", peeked, next, ok)
		}
		got = append(got, next.Name)
	}
	if diff := cmp.Diff([]string{"A", "B"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if _, ok := h.Next(); ok || h.Remaining() != 0 {
		t.Errorf("the list isn't used up, %d remain", h.Remaining())
	}
	if _, ok := h.Peek(); ok {
		t.Error("there is somebody to peek at")
	}
	h.PutBack(b)
	if next, ok := h.Next(); !ok || next != b {
		t.Errorf("after PutBack: %v, %t", next, ok)
	}
}

func TestEachHireIsTakenOnce(t *testing.T) {
	h := NewHires()
	want := h.Remaining()
	taken := make(chan string, 2*want)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				u, ok := h.Next()
				if !ok {
					return
				}
				if i == 0 { // a start that failed
					h.PutBack(u)
					continue
				}
				taken <- u.Email
			}
		})
	}
	wg.Wait()
	close(taken)
	emails := map[string]bool{}
	for email := range taken {
		if emails[email] {
			t.Errorf("%s was taken twice", email)
		}
		emails[email] = true
	}
	if len(emails) != want {
		t.Errorf("%d were taken, want %d", len(emails), want)
	}
}
