package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// apiTimeout bounds one request.
const apiTimeout = 15 * time.Second

// serverFlags say where the console is, and who asks.
func serverFlags(flags *pflag.FlagSet) {
	flags.String("server", defaultServer, "address of the console, http://name:password@host:port if it wants to know who asks")
	flags.String("token", "", "token that the console wants to know you by; better give it by SKALD_TOKEN, as others on this machine see flags")
}

// get asks the console's API and reads its answer into v. The API's own word on an error is the error.
func (c *terminal) get(ctx context.Context, path string, query url.Values, v any) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	return c.call(ctx, http.MethodGet, path, query, nil, v)
}

// post asks the console's API to do something.
func (c *terminal) post(ctx context.Context, timeout time.Duration, path string, body, v any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return c.call(ctx, http.MethodPost, path, nil, body, v)
}

func (c *terminal) call(ctx context.Context, method, path string, query url.Values, body, v any) error {
	base, err := url.Parse(c.settings.String("server"))
	if err != nil || base.Host == "" {
		return usage("--server is no address like http://127.0.0.1:8080") // what it is may hold a password
	}
	who := base.User
	base.User = nil // http.Request would send it, but errors would tell it
	server := base.String()
	base = base.JoinPath(path)
	base.RawQuery = query.Encode()
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("ask %s: %w", server, err)
		}
		sent = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, base.String(), sent)
	if err != nil {
		return fmt.Errorf("ask %s: %w", server, err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token := c.settings.String("token"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	} else if who != nil {
		password, _ := who.Password()
		request.SetBasicAuth(who.Username(), password)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("no console answers at %s: %w\nIs skald up running? Name another console by --server", server, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusAccepted {
		return problem(response)
	}
	if s, ok := v.(*stream); ok {
		if err := s.read(response.Body); err != nil {
			return fmt.Errorf("%s broke off its answer, which isn't whole: %w", server, err)
		}
		return nil
	}
	if whole, ok := v.(*raw); ok {
		if *whole, err = io.ReadAll(response.Body); err != nil {
			return fmt.Errorf("%s broke off its answer: %w", server, err)
		}
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(v); err != nil {
		return fmt.Errorf("%s gave an answer that can't be read: %w", server, err)
	}
	return nil
}

// raw is an answer that is handed on as it is.
type raw []byte

// refusal is the service's own word on why it doesn't do what it was asked for.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

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
	if response.StatusCode == http.StatusUnauthorized {
		lines = append(lines, "Give a token by --token or SKALD_TOKEN, or --server http://name:password@host:port")
	}
	text = strings.Join(lines, "\n")
	if response.StatusCode == http.StatusConflict {
		return &refusal{text}
	}
	if response.StatusCode < http.StatusInternalServerError {
		return usage("%s", text)
	}
	return fmt.Errorf("%s", text)
}
