package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skald-saga/skald/internal/console/api"
)

// saga asks the console for a saga; its zero value says that there is none yet.
func (i *instance) saga(t *testing.T, id string) (s api.Saga) {
	t.Helper()
	if code, body := i.get(t, "/api/v1/sagas/"+id); code == http.StatusOK {
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// failing sets how often a service of the demo fails.
func (i *instance) failing(t *testing.T, service string, percent int) {
	t.Helper()
	body := strings.NewReader(fmt.Sprintf(`{"percent":%d}`, percent))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, i.console+"/api/v1/demo/failures/"+service, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("set failures: status %d", response.StatusCode)
	}
}

func (i *instance) start(t *testing.T, user string) string {
	t.Helper()
	code, out, errOut := i.skald("", "start", "onboarding", user, "--json")
	var r result
	if code != exitOK || json.Unmarshal([]byte(out), &r) != nil {
		t.Fatalf("start: %d, %q, %q", code, out, errOut)
	}
	return r.ID
}

// A saga whose service always fails is seen to be tried again, and is cancelled: what was done is undone.
func TestASagaThatIsTriedAgainIsCancelled(t *testing.T) {
	i := up(t, "--lag", "0s", "--chaos", "authorizer=1")
	id := i.start(t, ada)
	eventually(t, "retrying", func() bool { return i.saga(t, id).Status == "retrying" })
	saga := i.saga(t, id)
	step := saga.Steps[len(saga.Steps)-1]
	if !strings.HasPrefix(saga.Sentence, "Waiting for authorizer: attempt ") || step.Attempts != 8 || step.Due.IsZero() ||
		!strings.Contains(saga.Sentence, "the chaos of authorizer is set to 1") {
		t.Errorf("%s\n%+v", saga.Sentence, step)
	}
	code, body := i.post(t, "/api/v1/sagas/"+id+"/cancel", `{"reason":"hired twice","by":"desk-2"}`)
	if code != http.StatusOK || !strings.Contains(body, "the saga is being cancelled") {
		t.Errorf("cancel: %d %s", code, body)
	}
	// The undo fails as any handler of that service does, until the chaos ends.
	i.failing(t, "authorizer", 0)
	eventually(t, "cancelled", func() bool { return i.saga(t, id).Outcome == "cancelled" })
	if saga = i.saga(t, id); strings.Join(saga.Undone, " ") != "authorizer provisioner" || saga.Reason != "hired twice" {
		t.Errorf("undone %v, because of %q", saga.Undone, saga.Reason)
	}
	code, body = i.post(t, "/api/v1/sagas/"+id+"/cancel", `{}`)
	if code != http.StatusConflict || !strings.Contains(body, "the saga has ended. Cancelled after") {
		t.Errorf("cancel again: %d %s", code, body)
	}
}

// A policy that grants nothing rejects; the device goes back, and nobody is mailed.
func TestARejectionIsSeen(t *testing.T) {
	policies := filepath.Join(t.TempDir(), "policies.cedar")
	only := `permit (principal in Department::"engineering", action == Action::"vpn", resource);`
	if err := os.WriteFile(policies, []byte(only), 0o600); err != nil {
		t.Fatal(err)
	}
	i := up(t, "--lag", "0s", "--policies", policies)
	id := i.start(t, strings.ReplaceAll(ada, "engineering", "sales"))
	eventually(t, "rejected, and all of it read", func() bool {
		saga := i.saga(t, id)
		return saga.Outcome == "rejected" && len(saga.Steps) == 4
	})
	saga := i.saga(t, id)
	if !strings.Contains(saga.Sentence, "no policy grants anything to sales") || len(saga.Undone) != 2 {
		t.Errorf("%s, undone %v", saga.Sentence, saga.Undone)
	}
	states := make([]string, 0, len(saga.Steps))
	for _, s := range saga.Steps {
		word := s.Topic + " " + s.State
		if s.Undo {
			word = "undo " + word
		}
		states = append(states, word)
	}
	if got := strings.Join(states, ", "); got != "new-user done, authorize turned, undo authorize done, undo new-user done" {
		t.Error(got)
	}
	if _, mails := i.get(t, "/api/v1/demo/mails"); !strings.Contains(mails, `"count":0`) {
		t.Errorf("mails: %s", mails)
	}
}
