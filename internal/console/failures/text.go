package failures

import (
	"strings"
	"unicode"
)

// title is the first line of an error, of at most so many characters.
func title(err string, most int) string {
	line, _, _ := strings.Cut(strings.TrimSpace(err), "\n")
	if line == "" {
		return "no error was given"
	}
	runes := []rune(visible(line))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

// visible shows characters that nobody would see, or that turn around what stands beside them, as signs. Lines and tabs stay.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ':
			return '\u2400' + r
		case r == 0x7f:
			return '\u2421'
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d':
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
