package shell

import (
	"strings"
	"testing"
)

func codeText(c *Code) string {
	lines := make([]string, 0, len(c.Lines))
	for _, l := range c.Lines {
		lines = append(lines, l.Indent+"<"+l.Key+">"+l.Rest)
	}
	return strings.Join(lines, "\n")
}

func TestCodeShowsPayloadsAsTheyWereSent(t *testing.T) {
	for payload, want := range map[string]string{
		`{"n":9007199254740993,"f":1.10,"a":["x: y"]}`: "JSON\n<>{\n  <\"n\">: 9007199254740993,\n  <\"f\">: 1.10,\n  <\"a\">: [\n    <>\"x: y\"\n  <>]\n<>}",
		`{"q\"": "a\": b"}`:                            "JSON\n<>{\n  <\"q\\\"\">: \"a\\\": b\"\n<>}",
		"":                                             "\n",
		"plain\n<b>text</b>":                           "text\n<>plain\n<><b>text</b>",
		"a\x00b":                                       "bytes\n<>00000000  61 00 62                                          |a.b|",
		"{\"a\":\"\xff\"}":                             "JSON\n<>{\n  <\"a\">: \"\uFFFD\"\n<>}",
		strings.Repeat("[", 41) + strings.Repeat("]", 41): "JSON\n<>" + strings.Repeat("[", 41) + strings.Repeat("]", 41),
	} {
		c := NewCode("Payload", []byte(payload))
		if got := c.Kind + "\n" + codeText(c); got != want {
			t.Errorf("%q:\n%s\nwant\n%s", payload, got, want)
		}
	}
	if c := NewCode("Payload", []byte(strings.Repeat("x", mostText+5))); c.Cut != 5 {
		t.Errorf("cut %d", c.Cut)
	}
}
