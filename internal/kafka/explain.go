package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Explanation is what an error means, for a person.
type Explanation struct {
	Text  string // what is wrong, with which broker; one line
	Fix   string // what to do about it
	Retry bool   // whether trying again can help, without anybody's doing
}

func (e Explanation) String() string {
	if e.Fix == "" {
		return e.Text
	}
	return e.Text + "; " + e.Fix
}

// ExplainedError is an error with the words of its explanation.
type ExplainedError struct {
	Explanation

	Err error
}

func (e *ExplainedError) Error() string { return e.String() }

func (e *ExplainedError) Unwrap() error { return e.Err }

// Explain says what an error of a client with these settings means. It knows only what the error tells: that a broker
// closed the connection has many reasons, which Diagnose looks into.
func (c Connection) Explain(err error) Explanation {
	if explained, ok := errors.AsType[*ExplainedError](err); ok {
		return explained.Explanation
	}
	if setting, ok := errors.AsType[*SettingError](err); ok {
		return Explanation{Text: "the settings for Kafka are wrong: " + setting.Error(), Fix: "correct " + setting.Field}
	}
	for _, explain := range []func(error) (Explanation, bool){
		c.explainLogin, c.explainAccess, c.explainTopics, c.explainTransactions, c.explainTLS, c.explainDial,
	} {
		if e, ok := explain(err); ok {
			return e
		}
	}
	where := c.where()
	switch {
	case isTimeout(err):
		return Explanation{
			Text:  where + " takes connections but does not answer",
			Fix:   "see whether that is Kafka's port, and what the broker's own log says",
			Retry: true,
		}
	case isClosed(err):
		return Explanation{
			Text:  fmt.Sprintf("%s closed the connection (%v)", where, root(err)),
			Fix:   "it may be starting or stopping; its own log says more",
			Retry: true,
		}
	}
	answer, fromKafka := errors.AsType[*kerr.Error](err)
	return Explanation{Text: fmt.Sprintf("Kafka at %s: %v", where, err), Retry: !fromKafka || answer.Retriable}
}

// where names the brokers.
func (c Connection) where() string {
	if len(c.Brokers) == 0 {
		return defaultBroker
	}
	return strings.Join(c.Brokers, ", ")
}

func (Connection) explainTopics(err error) (Explanation, bool) {
	if _, ok := errors.AsType[*PartitionCountError](err); !ok {
		return Explanation{}, false
	}
	return Explanation{Text: strings.ReplaceAll(err.Error(), "\n", "; ")}, true // what to do is in there
}

func (c Connection) explainTransactions(err error) (Explanation, bool) {
	old, ok := errors.AsType[*OldTransactionsError](err)
	if !ok {
		return Explanation{}, false
	}
	return Explanation{Text: fmt.Sprintf("Kafka at %s is too old: %v", c.where(), old), Fix: old.fix(c)}, true
}

func (c Connection) explainDial(err error) (Explanation, bool) {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return Explanation{
			Text:  fmt.Sprintf("the host name %q of a broker does not resolve (%s)%s", dns.Name, dns.Err, c.unlessGiven(dns.Name)),
			Fix:   "check the name in the list of brokers, and that this machine's DNS knows it",
			Retry: true, // in a cluster of containers the name comes with the broker
		}, true
	}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" {
		return Explanation{}, false
	}
	where := c.where()
	if op.Addr != nil {
		where = op.Addr.String()
		if _, port, err := net.SplitHostPort(where); err == nil {
			where += c.unlessGiven(port)
		}
	}
	e := Explanation{Text: fmt.Sprintf("no connection to the broker at %s: %v", where, root(err)), Retry: true}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Fix = "start the broker, or correct the address if it listens elsewhere"
	case isTimeout(err):
		e.Text = fmt.Sprintf("no connection to the broker at %s within %v", where, dialTimeout)
		e.Fix = "check the address, and that no firewall is in between"
	default:
		e.Fix = "check the address and this machine's network"
	}
	return e, true
}

// unlessGiven adds a hint if a host or port is none of the settings': then brokers named it, and the trouble is with them.
func (c Connection) unlessGiven(hostOrPort string) string {
	given := slices.ContainsFunc(append(slices.Clone(c.Brokers), defaultBroker), func(broker string) bool {
		host, port, err := net.SplitHostPort(broker)
		return err != nil || host == hostOrPort || port == hostOrPort
	})
	if given {
		return ""
	}
	return ", an address that the cluster itself gave out (advertised.listeners)"
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

func isClosed(err error) bool {
	_, first := errors.AsType[*kgo.ErrFirstReadEOF](err)
	return first || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// root is the innermost error, whose text is what a person knows: "connection refused".
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
