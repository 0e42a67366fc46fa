package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/twmb/franz-go/pkg/kerr"
)

func (c Connection) explainLogin(err error) (Explanation, bool) {
	refused, talked := errors.AsType[*loginError](err)
	switch {
	case c.SASL == nil:
		return Explanation{}, false
	case errors.Is(err, kerr.SaslAuthenticationFailed), talked:
		e := Explanation{
			Text: fmt.Sprintf("%s refused the login of %s by %s", c.where(), c.principal(), c.SASL.Mechanism),
			Fix:  "check SASL.User and SASL.Password, and that the brokers know this user for this mechanism",
		}
		if c.SASL.Mechanism == OAuthBearer {
			e.Fix = "renew the token (SASL.Token or SASL.TokenFile), and check that the brokers trust whoever issued it"
		}
		if talked && refused.answer != "" {
			e.Text += ": " + refused.answer
		}
		return e, true
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return Explanation{
			Text: fmt.Sprintf("%s does not take the SASL mechanism %s", c.where(), c.SASL.Mechanism),
			Fix:  "set SASL.Mechanism to one that the brokers enable (sasl.enabled.mechanisms)",
		}, true
	case errors.Is(err, kerr.IllegalSaslState):
		return c.takesNoLogin(c.where()), true
	}
	return Explanation{}, false
}

func (Connection) takesNoLogin(where string) Explanation {
	return Explanation{Text: where + " takes no login, but SASL is set", Fix: "leave SASL out, or give the port of a listener with SASL"}
}

// principal is the user that brokers see, as far as the settings tell.
func (c Connection) principal() string {
	switch {
	case c.SASL != nil && c.SASL.User != "":
		return "User:" + c.SASL.User
	case c.SASL != nil:
		return "the token's user"
	case c.TLS != nil && c.TLS.CertFile != "":
		return "the certificate's user"
	}
	return "User:ANONYMOUS"
}

func (c Connection) explainTLS(err error) (Explanation, bool) {
	op, ok := errors.AsType[*net.OpError](err)
	if ok && op.Op == "remote error" { // crypto/tls says so of an alert from the other side
		e := Explanation{Text: fmt.Sprintf("%s refused the TLS connection (%v)", c.where(), op.Err)}
		if c.TLS != nil && c.TLS.CertFile == "" {
			e.Fix = "it probably demands a certificate of the client: set TLS.CertFile and TLS.KeyFile"
		} else {
			e.Fix = "the brokers have to trust whoever signed the certificate in TLS.CertFile"
		}
		return e, true
	}
	verification, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return Explanation{}, false
	}
	e := Explanation{Text: fmt.Sprintf("the certificate of %s is not good: %v", c.where(), verification.Err)}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		e.Fix = "set TLS.CAFile to the certificate of whoever signed it"
	} else if _, ok := errors.AsType[x509.HostnameError](err); ok {
		e.Fix = "name the brokers as their certificates do, or set TLS.ServerName to a name that is in them"
	} else {
		e.Fix = "give the brokers another certificate"
	}
	return e, true
}
