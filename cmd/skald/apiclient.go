package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const apiTimeout = 15 * time.Second

// get asks the console's API and reads its answer into v. The API's own word on an error is the error.
func (c *terminal) get(ctx context.Context, path string, query url.Values, v any) error {
	server := c.settings.String("server")
	base, err := url.Parse(server)
	if err != nil || base.Host == "" {
		return usage("--server %q is no address like http://127.0.0.1:8080", server)
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	base = base.JoinPath(path)
	base.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String(), nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", server, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("no console answers at %s: %w\nIs skald up running? Name another console by --server", server, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return problem(response)
	}
	if err := json.NewDecoder(response.Body).Decode(v); err != nil {
		return fmt.Errorf("%s gave an answer that can't be read: %w", server, err)
	}
	return nil
}

// problem reads an application/problem+json answer (RFC 9457).
func problem(response *http.Response) error {
	const most = 64 << 10
	var p struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
		Errors []struct {
			Message  string `json:"message"`
			Location string `json:"location"`
		} `json:"errors"`
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil || json.Unmarshal(body, &p) != nil {
		return fmt.Errorf("the console answered %s", response.Status)
	}
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	lines := []string{text}
	for _, e := range p.Errors {
		lines = append(lines, e.Location+": "+e.Message)
	}
	text = strings.Join(lines, "\n")
	if response.StatusCode < http.StatusInternalServerError {
		return usage("%s", text)
	}
	return fmt.Errorf("%s", text)
}
