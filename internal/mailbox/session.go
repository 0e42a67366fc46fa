package mailbox

import (
	"io"
	"time"

	"github.com/emersion/go-smtp"
)

// session is one connection's: its mails come one after the other.
type session struct {
	box  *box
	from string
	to   []string
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

// Data takes whatever comes, a repeat too: whoever sends it wants to hear that it arrived.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	mail := parse(raw, s.from, s.to)
	mail.Received = time.Now()
	s.box.add(mail)
	return nil
}
