package tracker

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// particular is what differs from one error to the next of the same cause: IDs, addresses, what is quoted, and numbers of more than
// three digits. Shorter ones say what is wrong: SMTP 451 isn't SMTP 550.
var particular = regexp.MustCompile(`(?i)"[^"]*"|'[^']*'|[\w.+-]+@[\w.-]+|[0-9a-f]{8}-[0-9a-f-]{27}|0x[0-9a-f]+|[\w-]*\d{4,}[\w-]*`)

// causeOf names the group of dead letters that one was likely made for the same reason as: the same step gave up on them, with the same
// class and, but for what is particular to each, the same error.
func causeOf(service, step, class, err string) string {
	line, _, _ := strings.Cut(err, "\n") // the rest of a panic is its stack
	hash := sha256.Sum256([]byte(strings.Join([]string{service, step, class, particular.ReplaceAllString(line, "…")}, "\x00")))
	return hex.EncodeToString(hash[:6])
}
