package skaldtest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/skaldtest"
)

// What a redrive with another payload may not be, and what the step sees of one that it may be.
func TestRedriveWithAnotherPayload(t *testing.T) {
	var charged []string
	w := skaldtest.New(t, shop(map[string]int{}), bank(func(item string) (string, error) {
		charged = append(charged, item)
		if item == "taepot" {
			return "", skald.Poison(errors.New("no such item"))
		}
		return "receipt for a " + item, nil
	}))
	saga := skaldtest.Start(w, ordering, Order{"taepot"})
	letter := saga.DeadLetter()
	for payload, says := range map[string]string{
		`{"Item":"` + strings.Repeat("x", 1_000_000) + `"}`: "an event may have 1000000",
		`{"Item":7}`: "isn't what the step takes", `[]`: "isn't what the step takes", ``: "isn't what the step takes",
	} {
		if a := w.Ask(skald.Redrive(letter, "").WithPayload([]byte(payload))); a.Accepted || !strings.Contains(a.Text, says) {
			t.Errorf("%.40s: %+v, want %q", payload, a, says)
		}
	}
	again := skald.Redrive(letter, "a typing error").By("ada").WithPayload([]byte(strings.Replace(string(letter.Payload), "taepot", "teapot", 1)))
	if a := w.Ask(again); !a.Accepted || a.Text != "redriven, with another payload, for the first time" {
		t.Errorf("%+v", a)
	}
	if a := w.Ask(again); a.Accepted {
		t.Errorf("a letter was admitted twice: %+v", a)
	}
	if got := saga.Status().String(); got != "completed" || strings.Join(charged, " ") != "taepot teapot" {
		t.Errorf("%s, charged %q", got, charged)
	}
}
