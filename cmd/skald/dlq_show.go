package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// wholeLetter is what the API says of one letter, besides what a list has.
type wholeLetter struct {
	letter

	Cause             string          `json:"cause"`
	Topic             string          `json:"topic"`
	OriginalPartition int32           `json:"original_partition"`
	OriginalOffset    int64           `json:"original_offset"`
	Cut               int             `json:"cut"`
	Stack             string          `json:"stack"`
	Headers           [][2]string     `json:"headers"`
	Payload           json.RawMessage `json:"payload"`
	Base64            string          `json:"payload_base64"`
	Bytes             int             `json:"payload_bytes"`
}

func newDlqShow(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show LETTER",
		Short: "Show a dead letter whole: why it is one, its headers and its payload",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("give one dead letter by its partition and offset, like 0/17: skald dlq ls --cause CAUSE prints them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := letterPath(args[0])
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := c.get(cmd.Context(), path, nil, &raw); err != nil {
				return err
			}
			if c.json() {
				return c.printRaw(raw)
			}
			var l wholeLetter
			if err := json.Unmarshal(raw, &l); err != nil {
				return fmt.Errorf("the console gave an answer that can't be read: %w", err)
			}
			if c.settings.Bool("payload") {
				if len(l.Payload) == 0 {
					return fmt.Errorf("the payload has %d bytes and is too long, or is no JSON: it can't be printed to be edited", l.Bytes)
				}
				_, err := fmt.Fprintln(c.out, l.payload())
				return err
			}
			c.printLetter(&l)
			return nil
		},
	}
	serverFlags(cmd.Flags())
	cmd.Flags().Bool("payload", false, "print the payload alone, to edit it for skald dlq redrive --edit")
	return cmd
}

func (c *terminal) printLetter(l *wholeLetter) {
	fmt.Fprintf(c.out, "%s %s, of cause %s\n", l.place(), l.Status, l.Cause)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(c.out, "%-9s %s\n", name, printable(value))
		}
	}
	line("step", l.Service+"/"+l.Step)
	line(l.Class, l.Error)
	tried := fmt.Sprintf("%d, the last at %s", l.Attempts, clock(l.Time))
	if l.Redrives > 0 {
		tried += fmt.Sprintf("; redriven %d times before", l.Redrives)
	}
	line("attempts", tried)
	if l.Saga != "" {
		line("saga", strings.TrimSpace(l.Saga+" "+l.Workflow))
	}
	line("subject", l.Subject)
	line("event", l.EventID)
	line("from", fmt.Sprintf("%s, partition %d, offset %d", l.Topic, l.OriginalPartition, l.OriginalOffset))
	if l.Cut > 0 {
		line("cut", fmt.Sprintf("the event has %d bytes; only its beginning is kept", l.Cut))
	}
	for _, h := range l.Headers {
		fmt.Fprintf(c.out, "  %s: %s\n", printable(h[0]), fit(h[1], max(20, width-4-len(h[0]))))
	}
	fmt.Fprintln(c.out)
	fmt.Fprintln(c.out, l.payload())
	if l.Stack != "" {
		fmt.Fprintln(c.out)
		for stack := range strings.SplitSeq(l.Stack, "\n") {
			fmt.Fprintln(c.out, strings.ReplaceAll(printable(strings.ReplaceAll(stack, "\t", "    ")), `\t`, "    "))
		}
	}
}

func (l *wholeLetter) payload() string {
	var pretty bytes.Buffer
	switch {
	case len(l.Payload) > 0 && json.Indent(&pretty, l.Payload, "", "  ") == nil:
		return pretty.String()
	case l.Base64 != "":
		return l.Base64
	case l.Bytes > 0:
		return fmt.Sprintf("(a payload of %d bytes)", l.Bytes)
	}
	return "(no payload)"
}
