package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald"
)

const (
	// outstandingStarts bounds how many sagas a start from stdin has begun and not seen ended.
	outstandingStarts = 4096
	// maxLine bounds one start; the HTTP API's bound is the same.
	maxLine = 64 << 10
	// startWait is how long a start may take to be taken by the broker, unless --wait says otherwise.
	startWait = 15 * time.Second
)

func newStart(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "start WORKFLOW [JSON]",
		Short: "Start sagas: one from the argument, or one per line of stdin",
		Long: `Starts a saga with the given input. Without JSON, or with "-", it reads one JSON object per line from stdin; all are checked
before the first is published. With --watch it waits for the outcomes and prints them. It may be called before the broker
or the services are there.`,
		Example: `  skald start onboarding '{"name":"Ada Lovelace","email":"ada@example.com","department":"engineering"}' --watch
  skald start onboarding --watch < users.jsonl`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usage("give a workflow (%s) and its input as JSON, in quotes: see %s --help", strings.Join(workflowNames(), ", "), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.start(cmd.Context(), args) },
	}
	connectionFlags(cmd.Flags())
	cmd.Flags().Duration("wait", startWait, "how long to wait for a broker, or for topics that no service has created yet")
	cmd.Flags().Bool("watch", false, "wait for the outcomes")
	cmd.Flags().String("id", "", "idempotency key: the same key starts the same saga (one start only)")
	return cmd
}

func (c *terminal) start(ctx context.Context, args []string) error {
	w, err := workflowNamed(args[0])
	if err != nil {
		return err
	}
	inputs, err := c.inputs(args[1:])
	if err != nil {
		return err
	}
	key := c.settings.String("id")
	if key != "" && len(inputs) > 1 {
		return usage("--id names one saga, but %d inputs were given", len(inputs))
	}
	if err := checkAll(w, inputs); err != nil {
		return err
	}
	conn, err := c.connection()
	if err != nil {
		return err
	}
	wait := c.settings.Duration("wait")
	if wait <= 0 {
		return usage("--wait %s: it must be positive", wait)
	}
	if err := awaitBroker(ctx, conn, wait); err != nil {
		return fmt.Errorf("nothing was started: %w", err)
	}
	cfg, err := c.kafkaConfig()
	if err != nil {
		return err
	}
	client, err := skald.NewClient(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	r := &starts{terminal: c, workflow: w, client: client, key: key, watch: c.settings.Bool("watch"), wait: wait}
	return r.run(ctx, inputs)
}

// inputs gives the argument, or the lines of stdin that aren't empty.
func (c *terminal) inputs(args []string) ([][]byte, error) {
	if len(args) == 1 && args[0] != "-" {
		return [][]byte{[]byte(args[0])}, nil
	}
	var inputs [][]byte
	lines := bufio.NewScanner(c.in)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	for lines.Scan() {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			inputs = append(inputs, bytes.Clone(line))
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, usage("line %d is longer than %d KiB: give one JSON object per line", len(inputs)+1, maxLine>>10)
	case err != nil && !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("read stdin: %w", err)
	case len(inputs) == 0:
		return nil, usage("stdin has no line: give the input as an argument, or one JSON object per line")
	}
	return inputs, nil
}

// checkAll refuses all if one is wrong: half of a file started is worse than none.
func checkAll(w starter, inputs [][]byte) error {
	const most = 5
	var errs []error
	for i, input := range inputs {
		err := w.CheckJSON(input)
		if err == nil {
			continue
		}
		if len(inputs) > 1 {
			err = fmt.Errorf("line %d: %w", i+1, err)
		}
		if errs = append(errs, err); len(errs) == most {
			errs = append(errs, errors.New("…"))
			break
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return usage("nothing was started:\n%w", errors.Join(errs...))
}
