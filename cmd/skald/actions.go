package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/user"

	"github.com/spf13/cobra"
)

// action is what is asked of a service, as the API takes it.
type action struct {
	Reason   string `json:"reason"`
	By       string `json:"by"`
	Decision string `json:"decision,omitempty"`
	Limit    int    `json:"limit,omitempty"`
	Rate     int    `json:"rate,omitempty"`
	Canary   bool   `json:"canary,omitempty"`

	Payload json.RawMessage `json:"payload,omitempty"`
}

// answer is what came of it: accepted, or requested if the service hasn't answered yet.
type answer struct {
	State string `json:"state"`
	Text  string `json:"text"`
}

// States of an answer, in the output of --json. The first two are the API's.
const (
	accepted  = "accepted"
	requested = "requested"
	refused   = "refused"
	failed    = "failed"
)

func newCancel(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cancel ID... | --all",
		Short: "Cancel sagas: undo what was done",
		Long: `Asks the initiator of each saga to end it as cancelled: what its steps have done is undone, the latest first. The saga is met wherever
it is: on its way, waiting for another attempt, halted, or at home. One that has ended is refused.

With --all it cancels all that match the filters, as far as their end isn't decided yet. It says how many these are, and asks before.

Exit code 0: all are being cancelled; 1: one was refused, or the console or the broker can't be reached; 2: an ID that the console doesn't know.`,
		Example: `  skald cancel 01a20d67-0d4a-7dab-93bd-90c6d23e60cb --reason "she starts elsewhere"
  skald cancel --all --workflow onboarding --older-than 1h --reason "the import was wrong"`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			given := c.sagaFilter()
			switch all := c.settings.Bool("all"); {
			case all && len(ids) > 0:
				return usage("give either the IDs of sagas or --all, not both")
			case all:
				return c.cancelAll(cmd.Context(), given)
			case len(given) > 0:
				return usage("filters go with --all: without it only the sagas are cancelled whose IDs you give")
			}
			if err := someSagas(cmd, ids); err != nil {
				return err
			}
			return c.askSagas(cmd.Context(), ids, action{Reason: c.settings.String("reason")}, "cancel")
		},
	}
	actionFlags(cmd, "why, for those who look at the saga later; required with --all")
	cmd.Flags().Bool("all", false, "all sagas that match the filters")
	cmd.Flags().Bool("yes", false, "with --all: don't ask")
	sagaFlags(cmd.Flags())
	return cmd
}

func newAbandon(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "abandon ID...",
		Short: "Give sagas up whose event is lost: end them, and undo nothing",
		Long: `Asks the initiator of each saga to end it as abandoned, and to undo nothing: for a saga whose event never returns, as a service that isn't
Skald's lost it. What its steps have done stays done: undo it by hand. To undo a saga that is only slow or halted, use skald cancel.`,
		Args: someSagas,
		RunE: func(cmd *cobra.Command, ids []string) error {
			reason, err := c.mustSayWhy("abandon")
			if err != nil {
				return err
			}
			return c.askSagas(cmd.Context(), ids, action{Reason: reason}, "abandon")
		},
	}
	actionFlags(cmd, "why (required)")
	return cmd
}

func newUnblock(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unblock ID...",
		Short: "Go on with sagas whose undo is blocked",
		Long: `Asks the service in which a saga's undo is blocked to try it once more; or, with --resolved, to take it as done, after you have undone by hand
what the step did: the undo then goes on with the step before. Nothing is ever skipped without that.`,
		Args: someSagas,
		RunE: func(cmd *cobra.Command, ids []string) error {
			a := action{Reason: c.settings.String("reason"), Decision: "retry"}
			if c.settings.Bool("resolved") {
				reason, err := c.mustSayWhy("unblock --resolved")
				if err != nil {
					return err
				}
				a.Reason, a.Decision = reason, "resolved"
			}
			return c.askSagas(cmd.Context(), ids, a, "unblock")
		},
	}
	actionFlags(cmd, "why; required with --resolved: say what was undone by hand")
	cmd.Flags().Bool("resolved", false, "the step was undone by hand: take it as undone")
	return cmd
}

func actionFlags(cmd *cobra.Command, reason string) {
	serverFlags(cmd.Flags())
	cmd.Flags().String("reason", "", reason)
}

func someSagas(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage("give the IDs of sagas: skald ls prints them (see %s --help)", cmd.CommandPath())
	}
	return nil
}

func (c *terminal) mustSayWhy(what string) (string, error) {
	reason := c.settings.String("reason")
	if reason == "" {
		return "", usage("skald %s needs --reason: it is kept with the saga, for those who look at it later", what)
	}
	return reason, nil
}

// askSagas asks for the same of each saga.
func (c *terminal) askSagas(ctx context.Context, ids []string, a action, verb string) error {
	_, err := c.askAll(ctx, ids, a, func(id string) string { return "/api/v1/sagas/" + url.PathEscape(id) + "/" + verb })
	return err
}

// askAll asks for the same of each, one after the other, says what came of it, and gives those that weren't refused. One that fails doesn't
// keep the others from being asked.
func (c *terminal) askAll(ctx context.Context, all []string, a action, path func(string) string) (done []string, worst error) {
	a.By = whoami()
	for _, id := range all {
		var got answer
		err := c.post(ctx, apiTimeout, path(id), a, &got)
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		if err == nil {
			done = append(done, id)
		} else {
			got = answer{failed, err.Error()}
			if _, no := errors.AsType[*refusal](err); no {
				got.State = refused
			}
			if _, wrong := errors.AsType[*usageError](err); worst == nil || !wrong {
				worst = err
			}
		}
		if err := c.printAnswer(id, got, len(all) > 1); err != nil {
			return done, err
		}
	}
	if bad := len(all) - len(done); bad > 0 && len(all) > 1 {
		worst = outOf(worst, "%d of %d could not be done, for the reasons above", bad, len(all))
	}
	return done, worst
}

// outOf keeps the exit code of an error and gives it other words.
func outOf(err error, format string, args ...any) error {
	if _, wrong := errors.AsType[*usageError](err); wrong {
		return usage(format, args...)
	}
	return fmt.Errorf(format, args...)
}

func (c *terminal) printAnswer(id string, a answer, many bool) error {
	switch {
	case c.json():
		return json.NewEncoder(c.out).Encode(struct {
			ID string `json:"id"`
			answer
		}{id, a})
	case a.State == refused || a.State == failed:
		if many {
			fmt.Fprintf(c.err, "%s %s: %s\n", id, a.State, printable(a.Text))
		}
		return nil
	}
	said := a.State
	if a.Text != "" {
		said += ": " + printable(a.Text)
	}
	_, err := fmt.Fprintf(c.out, "%s %s\n", id, said)
	return err
}

// whoami is who asks, as far as the machine knows.
func whoami() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}
