package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newDlq(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Dead letters: events that services gave up on",
		Long: `A service that gives up on an event keeps it whole as a dead letter, and the event's saga is halted until somebody redrives the letter (after
its cause is mended) or discards it (which undoes what the saga has done). Letters with the same service, step, class and error are of one cause.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDlqLs(c), newDlqShow(c), newDlqRedrive(c), newDlqDiscard(c), newDlqStatus(c),
		newDlqChange(c, "pause", "Ask for no more letters of a cause until it is resumed"),
		newDlqChange(c, "resume", "Go on with a redrive or discard that is paused"),
		newDlqChange(c, "stop", "Ask for no more letters of a cause: those not asked for stay open"))
	return cmd
}

// cause is a group of dead letters, as the API gives it. letters is the sum of the four after it.
type cause struct {
	Cause     string    `json:"cause"`
	Service   string    `json:"service"`
	Step      string    `json:"step"`
	Class     string    `json:"class"`
	Error     string    `json:"error"`
	Letters   int       `json:"letters"`
	Halted    int       `json:"halted"`
	Redriven  int       `json:"redriven"`
	Completed int       `json:"completed"`
	Other     int       `json:"other"`
	Last      time.Time `json:"last"`
}

// letter is a dead letter, as the API gives it.
type letter struct {
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"`
	Saga      string    `json:"saga"`
	Workflow  string    `json:"workflow"`
	Subject   string    `json:"subject"`
	Service   string    `json:"service"`
	Step      string    `json:"step"`
	Class     string    `json:"class"`
	Error     string    `json:"error"`
	Attempts  int       `json:"attempts"`
	Redrives  int       `json:"redrives"`
	Time      time.Time `json:"time"`
	EventID   string    `json:"event_id"`
	Status    string    `json:"status"`
}

func (l *letter) place() string { return fmt.Sprintf("%d/%d", l.Partition, l.Offset) }

// letterPath turns "0/17" into the API's path.
func letterPath(place string) (string, error) {
	partition, offset, ok := strings.Cut(place, "/")
	_, err1 := strconv.ParseUint(partition, 10, 31)
	_, err2 := strconv.ParseUint(offset, 10, 63)
	if !ok || err1 != nil || err2 != nil {
		return "", usage("%q names no dead letter: give its partition and offset, like 0/17, as skald dlq ls --cause CAUSE prints them", place)
	}
	return "/api/v1/letters/" + partition + "/" + offset, nil
}

func newDlqLs(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the causes of dead letters, or the letters of one cause",
		Long: `Without --cause and --status it lists the causes, those with halted sagas first; with them it lists letters, the newest first:
  halted        its saga waits for a redrive or a discard
  redriven      given back to its service, and not through yet
  halted-again  given back, and given up on again: a newer letter has taken its place
  turned        its saga is being undone
  loose         it halts no saga, and may be redriven any number of times
or how the letter's saga ended.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query := url.Values{}
			for _, name := range []string{"cause", "status", "cursor"} {
				if v := c.settings.String(name); v != "" {
					query.Set(name, v)
				}
			}
			path := "/api/v1/causes"
			if len(query) > 0 {
				path = "/api/v1/letters"
				query.Set("limit", strconv.Itoa(c.settings.Int("limit")))
			}
			var page json.RawMessage
			if err := c.get(cmd.Context(), path, query, &page); err != nil {
				return err
			}
			if c.json() {
				return c.printRaw(page)
			}
			return c.printPage(page)
		},
	}
	flags := cmd.Flags()
	serverFlags(flags)
	flags.String("cause", "", "the letters of this cause")
	flags.String("status", "", "letters with this status: halted, redriven, completed, …")
	flags.Int("limit", 50, "at most so many letters, 1 to 1000")
	flags.String("cursor", "", "go on where the page before ended")
	return cmd
}

// printRaw prints the API's own answer, which says more than a table has room for.
func (c *terminal) printRaw(answer json.RawMessage) error {
	_, err := fmt.Fprintf(c.out, "%s\n", strings.TrimSpace(string(answer)))
	return err
}

func (c *terminal) printPage(raw json.RawMessage) error {
	var page struct {
		Causes  []cause  `json:"causes"`
		Total   int      `json:"total"` // of causes
		Letters []letter `json:"letters"`
		Next    string   `json:"next"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return fmt.Errorf("the console gave an answer that can't be read: %w", err)
	}
	switch {
	case len(page.Causes)+len(page.Letters) == 0:
		fmt.Fprintln(c.err, "no dead letters")
	case len(page.Causes) > 0:
		c.printCauses(page.Causes)
	default:
		c.printLetters(page.Letters)
	}
	if more := page.Total - len(page.Causes); more > 0 {
		fmt.Fprintf(c.err, "there are %d more causes: these are the most urgent\n", more)
	}
	if page.Next != "" {
		fmt.Fprintf(c.err, "there are more: --cursor %s\n", page.Next)
	}
	return nil
}

// width is that of a terminal, since there were any.
const width = 80

func (c *terminal) printCauses(causes []cause) {
	fmt.Fprintf(c.out, "%-12s  %7s %8s %9s %6s  %-8s  %s\n", "CAUSE", "HALTED", "REDRIVEN", "COMPLETED", "OTHER", "LAST", "STEP")
	for _, g := range causes {
		fmt.Fprintf(c.out, "%-12s  %7d %8d %9d %6d  %-8s  %s\n", g.Cause, g.Halted, g.Redriven, g.Completed, g.Other, clock(g.Last),
			fit(g.Service+"/"+g.Step, width-59))
		fmt.Fprintf(c.out, "  %s\n", fit(g.Class+": "+g.Error, width-2))
	}
}

func (c *terminal) printLetters(letters []letter) {
	fmt.Fprintf(c.out, "%-8s %-12s %-36s %s\n", "LETTER", "STATUS", "SAGA", "SUBJECT")
	for _, l := range letters {
		fmt.Fprintf(c.out, "%-8s %-12s %-36s %s\n", l.place(), l.Status, orDash(l.Saga), fit(l.Subject, width-59))
	}
}

// fit makes one line of a text, and clips it to so many characters.
func fit(s string, most int) string {
	s = printable(s)
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return printable(s)
}
