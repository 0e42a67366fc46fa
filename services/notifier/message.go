package notifier

import (
	"fmt"
	netmail "net/mail"
	"strings"

	"github.com/wneessen/go-mail"
)

// Mail is one mail to one person, in plain text. What it says can't become a header of its own: a line break in Subject or ToName is
// encoded, and one in To or MessageID is refused.
type Mail struct {
	MessageID string // without angle brackets
	To        string // one plain address
	ToName    string
	Subject   string
	Text      string
}

func (m *Mailer) message(letter Mail) (*mail.Msg, error) {
	to, err := netmail.ParseAddress(letter.To)
	if err != nil || to.Address != letter.To {
		return nil, fmt.Errorf("recipient %q: one plain mail address is wanted", letter.To)
	}
	if letter.MessageID == "" || strings.ContainsFunc(letter.MessageID, notInMessageID) {
		return nil, fmt.Errorf("Message-ID %q: letters, digits, '-', '.' and '@' are wanted", letter.MessageID)
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&netmail.Address{Address: m.config.From})
	msg.ToMailAddress(&netmail.Address{Name: letter.ToName, Address: to.Address})
	msg.Subject(letter.Subject)
	msg.SetMessageIDWithValue(letter.MessageID)
	msg.SetBodyString(mail.TypeTextPlain, letter.Text)
	return msg, nil
}

func notInMessageID(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }
