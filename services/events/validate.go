package events

import (
	"errors"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/skald-saga/skald"
)

// Departments are those that a new user may join.
var Departments = []string{"engineering", "sales", "finance", "design", "support", "people"}

// The bounds of what a person or a workflow may write.
const (
	MaxName    = 200      // characters of a name, department, device field, grant or subject
	MaxEmail   = 254      // characters of a mail address (RFC 5321, section 4.5.3.1.3, less the angle brackets)
	MaxMessage = 16 << 10 // bytes of a Message's text
	MaxGrants  = 100
)

// Validate names every field that is wrong and what is allowed in it.
func (u NewUser) Validate() error {
	problems := []error{checkName("name", u.Name), checkEmail("email", u.Email)}
	if !slices.Contains(Departments, u.Department) {
		problems = append(problems, skald.Invalid("department", "%s is none of %s", quote(u.Department), strings.Join(Departments, ", ")))
	}
	return errors.Join(problems...)
}

// Validate names every field that is wrong and what is allowed in it. A department that no policy knows isn't wrong: it is
// entitled to nothing.
func (a Authorize) Validate() error {
	return errors.Join(
		a.User.check(), checkName("user.department", a.User.Department),
		a.Device.check(), a.Message.check())
}

// Validate names every field that is wrong and what is allowed in it. What goes into a mail's header can't hold a line break.
func (n Notify) Validate() error {
	problems := []error{n.User.check(), n.Device.check(), n.Message.check()}
	if len(n.Grants) > MaxGrants {
		problems = append(problems, skald.Invalid("grants", "%d of them, at most %d are allowed", len(n.Grants), MaxGrants))
	}
	for _, grant := range n.Grants[:min(len(n.Grants), MaxGrants)] {
		problems = append(problems, checkName("grants", grant))
	}
	return errors.Join(problems...)
}

func (u User) check() error {
	return errors.Join(checkName("user.name", u.Name), checkEmail("user.email", u.Email))
}

func (d Device) check() error {
	if d == (Device{}) {
		return nil
	}
	return errors.Join(checkName("device.type", d.Type), checkName("device.serial", d.Serial), checkName("device.model", d.Model))
}

func (m Message) check() error {
	if m == (Message{}) {
		return nil
	}
	problems := []error{checkName("message.subject", m.Subject)}
	switch {
	case strings.TrimSpace(m.Text) == "":
		problems = append(problems, skald.Invalid("message.text", "it is missing: a message has a subject and a text"))
	case len(m.Text) > MaxMessage:
		problems = append(problems, skald.Invalid("message.text", "it has %d bytes, at most %d are allowed", len(m.Text), MaxMessage))
	}
	return errors.Join(problems...)
}

func checkName(field, s string) error {
	switch n := utf8.RuneCountInString(s); {
	case strings.TrimSpace(s) == "":
		return skald.Invalid(field, "it is missing, 1 to %d characters are wanted", MaxName)
	case n > MaxName:
		return skald.Invalid(field, "it has %d characters, at most %d are allowed", n, MaxName)
	case !utf8.ValidString(s):
		return skald.Invalid(field, "it isn't valid UTF-8")
	case strings.ContainsFunc(s, breaksLine):
		return skald.Invalid(field, "%s has control characters, such as a line break: none are allowed", quote(s))
	}
	return nil
}

// breaksLine also finds the line and paragraph separators of Unicode, which aren't control characters by name.
func breaksLine(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) }

// hostName is a domain as DNS has it. net/mail also takes domains like "a!b" and "[127.0.0.1]", to which no mail is sent.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

// checkEmail takes one bare address. Characters outside of ASCII would need SMTPUTF8 (RFC 6531) all the way to the receiver.
func checkEmail(field, s string) error {
	const want = "one plain address like ada@example.com is wanted"
	if s == "" {
		return skald.Invalid(field, "it is missing, %s", want)
	}
	if len(s) > MaxEmail {
		return skald.Invalid(field, "it has %d characters, at most %d are allowed", len(s), MaxEmail)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		return skald.Invalid(field, "%s has characters outside of ASCII: write the domain in its xn-- form, %s", quote(s), want)
	}
	address, err := mail.ParseAddress(s)
	if err != nil || address.Address != s || address.Name != "" {
		return skald.Invalid(field, "%s is no mail address, %s", quote(s), want)
	}
	if domain := s[strings.LastIndexByte(s, '@')+1:]; !hostName.MatchString(domain) {
		return skald.Invalid(field, "%s is no domain, %s", quote(domain), want)
	}
	return nil
}

// quote repeats what was given, with control characters made visible, but not a whole book of it.
func quote(s string) string {
	const enough = 60
	if runes := []rune(s); len(runes) > enough {
		s = string(runes[:enough]) + "…"
	}
	return strconv.Quote(s)
}
