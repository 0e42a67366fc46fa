package shell

import "time"

// Facts is a strip of facts, each a label over a value: template "facts".
type Facts struct {
	ID   string // of the element
	List []Fact
}

// Fact is one of them. Unknown is "–".
type Fact struct {
	Label string
	Value string
	Aside string    // after the value, less loud
	Since time.Time // instead of Aside: how long ago this was
	Due   time.Time // instead of Value: how long it takes until then
	Title string
	Mono  bool
}
