package shell

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Code is a payload as people read it: template "code". Nothing in it is changed, so that numbers of any size stay as they were sent, but
// for the space between the parts of JSON.
type Code struct {
	Label string // of the region, for readers
	Kind  string // JSON, text, bytes, or empty
	Lines []CodeLine
	Cut   int // bytes that are left out at the end
}

// CodeLine is a line; a key of JSON is told apart from the rest.
type CodeLine struct{ Indent, Key, Rest string }

const (
	deepest  = 40       // levels of JSON that are indented
	mostText = 64 << 10 // bytes of text, or of JSON as it was sent
	mostHex  = 2 << 10
)

// NewCode shows a payload: JSON indented, else text, else bytes.
func NewCode(label string, payload []byte) *Code {
	c := &Code{Label: label}
	switch {
	case len(payload) == 0:
	case json.Valid(payload):
		c.Kind = "JSON"
		c.json(payload)
	case isText(payload):
		c.Kind = "text"
		c.text(payload)
	default:
		c.Kind, c.Cut = "bytes", max(0, len(payload)-mostHex)
		c.text([]byte(strings.TrimSuffix(hex.Dump(payload[:len(payload)-c.Cut]), "\n")))
	}
	return c
}

func (c *Code) json(payload []byte) {
	if depth(payload) > deepest || len(payload) > mostText {
		c.text(payload)
		return
	}
	var indented bytes.Buffer
	_ = json.Indent(&indented, bytes.TrimSpace(payload), "", "  ") // it is valid
	for line := range strings.SplitSeq(valid(indented.String()), "\n") {
		rest := strings.TrimLeft(line, " ")
		l := CodeLine{Indent: line[:len(line)-len(rest)], Rest: rest}
		if end := keyEnd(rest); end > 0 {
			l.Key, l.Rest = rest[:end], rest[end:]
		}
		c.Lines = append(c.Lines, l)
	}
}

func (c *Code) text(payload []byte) {
	if over := len(payload) - mostText; over > 0 {
		c.Cut, payload = over, payload[:mostText]
	}
	for line := range strings.SplitSeq(valid(string(payload)), "\n") {
		c.Lines = append(c.Lines, CodeLine{Rest: line})
	}
}

// keyEnd says where the key ends that a line of indented JSON begins with; 0 if it begins with none.
func keyEnd(line string) int {
	if !strings.HasPrefix(line, `"`) {
		return 0
	}
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			if strings.HasPrefix(line[i+1:], ": ") {
				return i + 1
			}
			return 0
		}
	}
	return 0
}

// depth is how deep JSON is nested: what is nested without end takes, indented, the square of its room.
func depth(payload []byte) (most int) {
	now, inString := 0, false
	for i := 0; i < len(payload); i++ {
		switch b := payload[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			now++
			most = max(most, now)
		case b == '}' || b == ']':
			now--
		}
	}
	return most
}

func isText(payload []byte) bool {
	return utf8.Valid(payload) && bytes.IndexFunc(payload, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\n\r\t", r) }) < 0
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
