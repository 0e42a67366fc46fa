package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Diagnose explains an error as Explain does, and where that can't tell for sure, as a broker just hung up or kept silent, it
// connects to each broker to see what speaks there. It takes at most some 10 s, and less as ctx allows.
func (c Connection) Diagnose(ctx context.Context, err error) Explanation {
	e := c.Explain(err)
	// Kafka's own answers speak for themselves, but that a mechanism is unknown doesn't tell which are known.
	_, answered := errors.AsType[*kerr.Error](err)
	if !errors.Is(err, kerr.UnsupportedSaslMechanism) && (answered || !e.Retry) {
		return e
	}
	brokers := c.Brokers
	if len(brokers) == 0 {
		brokers = []string{defaultBroker}
	}
	found := make([]Explanation, len(brokers))
	var all sync.WaitGroup
	for i, broker := range brokers {
		all.Go(func() { found[i] = c.at(broker).judge(look(ctx, broker)) })
	}
	all.Wait()
	// What ctx has cut off tells nothing; what can't be mended by waiting was seen before that.
	found = slices.DeleteFunc(found, func(f Explanation) bool { return f == Explanation{} || f.Retry && ctx.Err() != nil })
	if len(found) == 0 { // all look as they should, by now
		return e
	}
	return combined(found)
}

// at is the connection with one broker alone.
func (c Connection) at(broker string) Connection {
	c.Brokers = []string{broker}
	return c
}

// judge says what is wrong with what was found at the only broker; the zero Explanation if nothing is.
func (c Connection) judge(s sight) Explanation {
	where := c.where()
	switch {
	case s.http:
		return Explanation{Text: where + " is an HTTP server, no Kafka", Fix: "give the address of a broker, whose port mostly is 9092"}
	case s.tls && c.TLS == nil:
		return Explanation{Text: where + " speaks TLS, but TLS is not set", Fix: "set TLS (TLS.CAFile if its certificate is of your own authority), or give the port of a listener without TLS"}
	case s.kafka && !s.tls && c.TLS != nil:
		return Explanation{Text: where + " does not speak TLS, but TLS is set", Fix: "leave TLS out, or give the port of a listener with TLS"}
	case s.kafka && len(s.login) > 0 && c.SASL == nil:
		return Explanation{Text: where + " demands a login", Fix: "set SASL, with SASL.Mechanism " + strings.Join(s.login, " or ")}
	case s.kafka && len(s.login) > 0 && !slices.Contains(s.login, c.SASL.Mechanism):
		return Explanation{
			Text: fmt.Sprintf("%s does not take the SASL mechanism %s", where, c.SASL.Mechanism),
			Fix:  "set SASL.Mechanism to " + strings.Join(s.login, " or "),
		}
	case s.kafka && s.err == nil && len(s.login) == 0 && c.SASL != nil:
		return c.takesNoLogin(where)
	case s.kafka && isClosed(s.err) && c.SASL != nil: // or it stops just now
		e := c.takesNoLogin(where)
		e.Retry = true
		return e
	case s.kafka || s.tls:
		return Explanation{}
	case errors.Is(s.err, errNotKafka):
		return Explanation{Text: where + " answers, but is no Kafka", Fix: "give the address of a broker, whose port mostly is 9092"}
	}
	return c.Explain(s.err)
}

// combined makes one of several, of which trying again can help if it can for one of them.
func combined(found []Explanation) Explanation {
	e := found[0]
	for _, f := range found[1:] {
		if !strings.Contains(e.Text, f.Text) {
			e.Text += "; " + f.Text
		}
		e.Retry = e.Retry || f.Retry
	}
	return e
}
