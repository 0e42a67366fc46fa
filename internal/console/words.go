package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/tracker"
)

// lasted says how long something took.
func lasted(d time.Duration) string { return tracker.Lasted(d) }

// soFar says how long something has been going on; assets/tick.js lets it grow in the same form.
func soFar(d time.Duration) string {
	if d = max(d, 0); d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return lasted(d)
}

func soFarSince(t time.Time) string { return soFar(time.Since(t)) }

// seconds is a lag as the slider says it: 3, 0.5.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

func timeOfDay(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Local().Format(time.TimeOnly) //nolint:gosmopolitan // a person reads it, beside the server
}

// thousands writes 12345 as 12,345.
func thousands[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// numberWord writes small numbers out, as a sentence wants them.
func numberWord[N int | int64](n N) string {
	words := []string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	if n < 0 || int(n) >= len(words) {
		return thousands(n)
	}
	return words[n]
}

// plural gives "1 user", "2 users", "1,204 users".
func plural[N int | int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + one + "s"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] // the words that this is for begin with an ASCII letter, else nothing changes
}

// listed joins "a", "b" and "c" as "a, b and c".
func listed(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
