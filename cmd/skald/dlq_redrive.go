package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// watchFor is how long a redrive is followed, unless --wait says otherwise.
const watchFor = 30 * time.Second

func newDlqRedrive(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "redrive LETTER... | --cause CAUSE | --all | FILTERS",
		Short: "Give dead letters back to the services that gave up on them",
		Long: `Gives dead letters back: single ones, all of one cause that are halted, or all that are halted. Mend the cause first. Each is tried anew by its
step's policy, and under the same idempotency key, so that what was done before isn't done twice. A letter is redriven once: a second
redrive is refused, and one whose event fails again has a newer letter in its place.

Those of a cause go some a second (--rate), the oldest first; with --canary one goes first, and the others once its saga has completed. The console does
it, and goes on when this command has ended: skald dlq status, pause, resume, stop. It stops by itself when more than 5 % halt again, and pauses when
the service doesn't answer. This command follows it, for --wait: requested, redelivered (given back), completed.

With filters of sagas, such as --service and --topic, also beside --cause, the letters that halt the sagas that match are redriven, at once. It says how many these are, and asks before.

With --edit one letter's event is given another payload: skald dlq show LETTER --payload prints it as it is. A field that is masked keeps its value if it is left as it was
printed. The letter keeps the event as it was; the saga and the audit say who edited it. What an attempt before has done under the idempotency key stays done.

Exit code 0: all were given back; 1: one was refused, or the console or the broker can't be reached; 2: a letter or cause that isn't there.`,
		Example: `  skald dlq redrive 0/17
  skald dlq redrive --cause 3fa9c01b77de --canary --reason "the mail server is back"
  skald dlq redrive --service notifier --topic notify --older-than 1h
  skald dlq show 0/17 --payload >event.json; $EDITOR event.json; skald dlq redrive 0/17 --edit event.json --reason "typing error"`,
		RunE: func(cmd *cobra.Command, places []string) error { return c.dlqRedrive(cmd, places) },
	}
	actionFlags(cmd, "why, for those who look at the sagas later")
	flags := cmd.Flags()
	sagaFlags(flags)
	flags.Lookup("cause").Usage = "all letters of this cause that are halted; beside other filters, sagas with one"
	flags.Bool("yes", false, "with filters: don't ask")
	flags.Bool("all", false, "all letters that are halted")
	flags.String("edit", "", "with one letter: the file with another payload for its event, as JSON; - for standard input")
	flags.Int("limit", 0, "only so many of each cause, the oldest first (0: all)")
	flags.Int("rate", 0, "letters a second, of each cause (0: 20)")
	flags.Bool("canary", false, "of each cause one first; the others once its saga has completed")
	flags.Duration("wait", watchFor, "how long to follow what becomes of them; 0 for not at all")
	return cmd
}

func (c *terminal) dlqRedrive(cmd *cobra.Command, places []string) error {
	cause, all := c.settings.String("cause"), c.settings.Bool("all")
	if filter := c.sagaFilter(); len(filter) > 1 || len(filter) == 1 && cause == "" {
		if len(places) > 0 || all || cmd.Flags().Changed("limit") || cmd.Flags().Changed("rate") || c.settings.Bool("canary") || c.settings.String("edit") != "" {
			return usage("filters choose the sagas whose dead letters are redriven: letters, --all, --limit, --rate, --canary and --edit go without them")
		}
		return c.orderAll(cmd.Context(), "redrive", filter)
	}
	if err := c.checkRedrive(places, cause, all); err != nil {
		return err
	}
	r := &redrive{terminal: c, verb: "redrive", reason: c.settings.String("reason"), wait: c.settings.Duration("wait")}
	if file := c.settings.String("edit"); file != "" {
		if len(places) != 1 {
			return usage("--edit goes with one letter: each event has a payload of its own")
		}
		var err error
		if r.payload, err = c.readPayload(file); err != nil {
			return err
		}
	}
	switch {
	case len(places) > 0:
		return r.letters(cmd.Context(), places)
	case all:
		return r.everything(cmd.Context())
	}
	return r.causes(cmd.Context(), []string{cause})
}

// checkRedrive refuses what doesn't go together.
func (c *terminal) checkRedrive(places []string, cause string, all bool) error {
	given := 0
	for _, way := range []bool{len(places) > 0, cause != "", all} {
		if way {
			given++
		}
	}
	if given != 1 {
		return usage("say what to redrive in one of four ways: letters like 0/17, --cause CAUSE, --all (skald dlq ls prints both), or filters of sagas such as --service")
	}
	if n := c.settings.Int("limit"); n < 0 || n > 0 && len(places) > 0 {
		return usage("--limit %d: a positive number, with --cause or --all", n)
	}
	if n := c.settings.Int("rate"); n < 0 || n > 1000 || len(places) > 0 && (n > 0 || c.settings.Bool("canary")) {
		return usage("--rate is 1 to 1000 letters a second; it and --canary go with --cause or --all")
	}
	return nil
}

func newDlqDiscard(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discard LETTER... | --cause CAUSE",
		Short: "Give dead letters up: undo what their sagas have done",
		Long: `Gives dead letters up for good, single ones or all of one cause that are halted: what the saga of each has done is undone, the latest first, and
it ends as abandoned. A letter that was redriven or discarded before is refused.`,
		Example: `  skald dlq discard 0/17 --reason "ordered twice"`,
		RunE: func(cmd *cobra.Command, places []string) error {
			cause := c.settings.String("cause")
			if (len(places) > 0) == (cause != "") {
				return usage("give dead letters by partition and offset, like 0/17, or --cause CAUSE: skald dlq ls prints both")
			}
			reason, err := c.mustSayWhy("dlq discard")
			if err != nil {
				return err
			}
			if cause != "" {
				r := &redrive{terminal: c, verb: "discard", reason: reason, wait: c.settings.Duration("wait")}
				return r.causes(cmd.Context(), []string{cause})
			}
			_, err = c.askLetters(cmd.Context(), places, action{Reason: reason}, "discard")
			return err
		},
	}
	actionFlags(cmd, "why (required)")
	flags := cmd.Flags()
	flags.String("cause", "", "all letters of this cause that are halted")
	flags.Int("limit", 0, "only so many of the cause, the oldest first (0: all)")
	flags.Int("rate", 0, "letters of the cause a second (0: 20)")
	flags.Duration("wait", watchFor, "how long to follow those of a cause; 0 for not at all")
	return cmd
}

func (c *terminal) askLetters(ctx context.Context, places []string, a action, verb string) (done []string, err error) {
	paths := map[string]string{}
	for _, place := range places {
		path, err := letterPath(place)
		if err != nil {
			return nil, err
		}
		paths[place] = path + "/" + verb
	}
	return c.askAll(ctx, places, a, func(place string) string { return paths[place] })
}
