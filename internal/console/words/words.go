package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

// Lasted says how long something took.
func Lasted(d time.Duration) string { return tracker.Lasted(d) }

// SoFar says how long something has been going on; shell/tick.js lets it grow in the same form.
func SoFar(d time.Duration) string {
	if d = max(d, 0); d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return Lasted(d)
}

// SoFarSince says how long something has been going on since t.
func SoFarSince(t time.Time) string { return SoFar(time.Since(t)) }

// Seconds is a lag as the slider says it: 3, 0.5.
func Seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// TimeOfDay is the local time to the second; – if unknown.
func TimeOfDay(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format(time.TimeOnly) //nolint:gosmopolitan // a person reads it, beside the server
}

// Thousands writes 12345 as 12,345.
func Thousands[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// NumberWord writes small numbers out, as a sentence wants them.
func NumberWord[N int | int64](n N) string {
	words := []string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	if n < 0 || int(n) >= len(words) {
		return Thousands(n)
	}
	return words[n]
}

// Plural gives "1 user", "2 users", "1,204 users".
func Plural[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return Thousands(n) + " " + one + "s"
}

// Capital writes a sentence's first letter.
func Capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] // the words that this is for begin with an ASCII letter, else nothing changes
}

// Listed joins "a", "b" and "c" as "a, b and c".
func Listed(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}

// Clip shortens what a client sent before it is said back.
func Clip(s string) string {
	if len(s) <= 60 {
		return s
	}
	return s[:60] + "…"
}

// Percent writes a share in hundredths.
func Percent(n int) string { return strconv.Itoa(n) + " %" }

// Until says when something is due, as shell/tick.js goes on to say it.
func Until(t time.Time) string {
	if left := time.Until(t); left > 0 {
		return "in " + SoFar(left)
	}
	return "now"
}
