package consoletest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Answer is what a request got, beside its body.
type Answer struct {
	StatusCode int
	Header     http.Header
}

// Ask sends a request to a handler and decodes its JSON answer into v.
func Ask(t *testing.T, h http.Handler, method, path, body string, v any, headers ...string) Answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if v != nil {
		if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
			t.Fatalf("%s %s: %s\n%s", method, path, err, w.Body)
		}
	}
	return Answer{w.Code, w.Result().Header}
}

// Problem is an application/problem+json.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
		Message  string `json:"message"`
	} `json:"errors"`
}

// Read gives a page of a world's console as its first paint has it.
func (w *World) Read(t *testing.T, path string) string {
	t.Helper()
	_, server := Serve(t, w.Config(t))
	return Fetch(t, server.URL+path)
}

// Wants makes each text that a page lacks an error.
func Wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page doesn't have %q", text)
		}
	}
}

// Fetch reads a page from a running console.
func Fetch(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", address, response.Status, err, content)
	}
	return string(content)
}
