package shell

import "github.com/skald-saga/skald/internal/tracker"

// Pieces that several pages show, beside the templates of pieces.html: "status" is given a saga's status, "flag" overdue or stuck,
// "chips" a []Chip, "pager" a Pager, "thread" a Thread.

// Chip is a filter that is on. Without is the address of the view that lacks it.
type Chip struct{ Name, Value, Without string }

// Pager says which part of a list one sees, and leads on. First and Next are addresses, empty for nowhere.
type Pager struct {
	Said        string // 1–50 of 1,284, oldest first
	First, Next string
	Onward      string // what Next is called: Older, Newer
}

// glyph is the symbol of a saga's status; see icons.html.
func glyph(status string) string {
	if status == tracker.Waiting {
		return "queued" // the hourglass: no person is waited for
	}
	return status
}
