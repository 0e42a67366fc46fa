package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console"
	"github.com/skald-saga/skald/internal/console/consoletest"
	"github.com/skald-saga/skald/internal/console/mask"
	"github.com/skald-saga/skald/internal/tracker"
)

func TestMaskedFieldsAreShownNowhere(t *testing.T) {
	w := consoletest.NewWorld()
	cfg := w.Config(t)
	id := w.Onboard(consoletest.User("Ada-S3CRET"))
	w.Alter(id, func(s *tracker.Saga) { s.Subject = "ada" }) // business keys aren't masked
	w.Pass(id, 1)
	w.AddLetter(tracker.Letter{
		Partition: 1, ID: uuid.NewString(), EventID: uuid.NewString(), SagaID: id, Service: "notifier", Step: "notify", Status: tracker.LetterHalted, Cause: "0123456789ab",
	}, `{"email":"S3CRET","n":1}`)
	read := func(path string) string {
		r, answer := httptest.NewRequest(http.MethodGet, path, http.NoBody), httptest.NewRecorder()
		console.New(cfg).ServeHTTP(answer, r)
		if answer.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
		}
		return answer.Body.String()
	}
	paths := []string{"/", "/sagas/" + id, "/api/v1/sagas/" + id, "/api/v1/letters/1/0", "/failures?cause=0123456789ab&tab=event"}
	for _, path := range paths[2:] {
		if got := read(path); !strings.Contains(got, "S3CRET") {
			t.Errorf("%s has nothing to hide: %s", path, got)
		}
	}
	var err error
	if cfg.Mask, err = mask.Parse([]string{"*.email", "*.name"}); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if got := read(path); strings.Contains(got, "S3CRET") {
			t.Errorf("%s shows what is masked: %s", path, got)
		}
	}
	if got := read(paths[3]); !strings.Contains(got, `"payload":{"email":"•••","n":1}`) || !strings.Contains(got, `"payload_bytes":24`) {
		t.Error(got)
	}
}
