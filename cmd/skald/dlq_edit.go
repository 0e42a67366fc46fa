package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// mostPayload is about what the API takes.
const mostPayload = 60 << 10

// readPayload reads another payload for an event from a file, or - for standard input.
func (c *terminal) readPayload(file string) ([]byte, error) {
	in := c.in
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, usage("--edit: %v", err)
		}
		defer opened.Close()
		in = opened
	}
	payload, err := io.ReadAll(io.LimitReader(in, mostPayload+1))
	if err != nil {
		return nil, fmt.Errorf("--edit %s: %w", file, err)
	}
	var whole json.RawMessage
	switch err := json.Unmarshal(payload, &whole); {
	case len(payload) > mostPayload:
		return nil, usage("--edit %s: a payload of %d bytes at most can be sent to the console", file, mostPayload)
	case len(bytes.TrimSpace(payload)) == 0:
		return nil, usage("--edit %s: it is empty; skald dlq show LETTER --payload prints the payload as it is", file)
	case err != nil:
		return nil, usage("--edit %s: it isn't valid JSON: %v", file, err)
	}
	return payload, nil
}
