package notifier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/skald-saga/skald"
)

// serviceNotAvailable is the server's reply to anything when it is about to close the connection (RFC 5321, section 3.8).
const serviceNotAvailable = 421

// explain says by type what is to be done about an error of the mail server; ctx is the caller's own.
func (m *Mailer) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("mailing by %s: %w", m.config.Addr, context.Cause(ctx))
	}
	refusal, code := refused(err)
	switch {
	case code == 0 || code == serviceNotAvailable:
		return skald.Unavailable(fmt.Errorf("mail server %s: %w", m.config.Addr, err))
	case code < 500:
		return fmt.Errorf("SMTP %s", reply(refusal))
	case refusal.Reason == mail.ErrSMTPMailFrom: // of the sender, so of every mail
		return skald.Unavailable(fmt.Errorf("mail server %s takes no mail from %s: SMTP %s", m.config.Addr, m.config.From, reply(refusal)))
	default:
		return skald.Reject("SMTP " + reply(refusal))
	}
}

// refused gives the server's refusal and its code, 0 if the error is none of the server's.
func refused(err error) (*mail.SendError, int) {
	var refusal *mail.SendError
	if !errors.As(err, &refusal) {
		return nil, 0
	}
	return refusal, refusal.ErrorCode()
}

// isGone says whether the connection broke off, so that the mail may go by another one.
func isGone(err error) bool {
	_, code := refused(err)
	return err != nil && (code == 0 || code == serviceNotAvailable)
}

// isReady says whether the connection can take the next mail: this one was taken, or refused at a point after which go-mail has said
// RSET.
func isReady(err error) bool {
	refusal, code := refused(err)
	return err == nil ||
		code != 0 && code != serviceNotAvailable && (refusal.Reason == mail.ErrSMTPMailFrom || refusal.Reason == mail.ErrSMTPRcptTo)
}

// reply is what the server said, e.g. "550 5.1.1 no such mailbox". go-mail gives it only within a sentence: "sending SMTP RCPT TO
// command: 550 5.1.1 no such mailbox, affected recipient(s): …".
func reply(refusal *mail.SendError) string {
	_, said, _ := strings.Cut(refusal.Error(), ": ")
	said, _, _ = strings.Cut(said, ", affected ")
	code, words, _ := strings.Cut(said, " ")
	if plain, err := strconv.Unquote(words); err == nil { // as net/textproto gives it since Go 1.26.8
		words = plain
	}
	return strings.Join(append([]string{code}, strings.Fields(words)...), " ")
}
