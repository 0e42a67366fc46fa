// Command skald is all of Skald in one binary: the demo (skald up), and the tools that start sagas and look at them.
//
// It alone wires the rooms together. main.go maps errors to exit codes; each subcommand has a file of its own; up.go is the
// composition. It may import everything.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes. 2 is what shells and flag parsers use for "called wrongly".
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a mistake in what the caller gave: arguments, flags, input.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process around it: what tests call.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot(in, out, errOut)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var wrong *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		fmt.Fprintln(errOut, "skald:", err)
		return exitUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil: // Ctrl-C
		return exitFailure
	default:
		fmt.Fprintln(errOut, "skald:", inWords(err))
		return exitFailure
	}
}
