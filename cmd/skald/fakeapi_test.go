package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// fakeAPI is a console's API that answers as a test wants it to: for each request the next answer, the last one again and again.
type fakeAPI struct {
	server  *httptest.Server
	mu      sync.Mutex
	answers map[string][]reply // by method and path
	asked   []string           // method, path with query, body
}

type reply struct {
	status int
	body   string
}

func newFakeAPI(t *testing.T, answers map[string][]reply) *fakeAPI {
	t.Helper()
	f := &fakeAPI{answers: answers}
	f.server = httptest.NewServer(f)
	t.Cleanup(f.server.Close)
	return f
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	key := r.Method + " " + r.URL.Path
	all := f.answers[key]
	if len(all) == 0 {
		all = []reply{{http.StatusNotFound, `{"title":"Not Found","detail":"there is nothing at ` + r.URL.Path + `"}`}}
	}
	if len(all) > 1 {
		f.answers[key] = all[1:]
	}
	if all[0].status >= http.StatusBadRequest {
		w.Header().Set("Content-Type", "application/problem+json")
	}
	w.WriteHeader(all[0].status)
	_, _ = io.WriteString(w, all[0].body)
}

// requests gives what was asked, by what it begins with.
func (f *fakeAPI) requests(prefix string) (found []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.asked {
		if strings.HasPrefix(r, prefix) {
			found = append(found, r)
		}
	}
	return found
}

func (f *fakeAPI) skald(args ...string) (code int, out, errOut string) {
	var stdout, stderr lockedBuffer
	code = run(context.Background(), append(args, "--server", f.server.URL), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func problemWith(status int, detail string) reply {
	body, err := json.Marshal(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail})
	if err != nil {
		panic(err)
	}
	return reply{status, string(body)}
}

// wantNarrow wants no line of more than 80 characters.
func wantNarrow(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d characters in a line, 80 fit: %s", n, line)
		}
	}
}
