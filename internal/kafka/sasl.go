package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The mechanisms of [SASL], by the names that Kafka has for them.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
	OAuthBearer = "OAUTHBEARER"
)

// SASL is how clients log in.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. PLAIN and OAUTHBEARER send the secret itself: use them with TLS.
	Mechanism string

	// User and Password are for PLAIN and SCRAM.
	User, Password string

	// Token or TokenFile is for OAUTHBEARER. The file is read again at each login, so that whoever renews tokens just writes it;
	// white space around the token doesn't count.
	Token, TokenFile string
}

// check looks at the fields alone, not into the file that they may name.
func (s *SASL) check() error {
	needed := func(field, value string) error {
		if value == "" {
			return &SettingError{field, fmt.Errorf("it is needed for %s", s.Mechanism)}
		}
		return nil
	}
	foreign := func(field, value string) error {
		if value != "" {
			return &SettingError{field, fmt.Errorf("it has no meaning for %s: leave it out", s.Mechanism)}
		}
		return nil
	}
	switch s.Mechanism {
	case Plain, ScramSHA256, ScramSHA512:
		return errors.Join(needed("SASL.User", s.User), needed("SASL.Password", s.Password),
			foreign("SASL.Token", s.Token), foreign("SASL.TokenFile", s.TokenFile))
	case OAuthBearer:
		if s.Token != "" && s.TokenFile != "" {
			return &SettingError{"SASL.TokenFile", errors.New("there is a SASL.Token too: give one of them")}
		}
		if s.Token == "" && s.TokenFile == "" {
			return &SettingError{"SASL.Token", errors.New("it or SASL.TokenFile is needed for " + OAuthBearer)}
		}
		return errors.Join(foreign("SASL.User", s.User), foreign("SASL.Password", s.Password))
	case "":
		return &SettingError{"SASL.Mechanism", errors.New("it is needed: " + mechanisms)}
	}
	return &SettingError{"SASL.Mechanism", fmt.Errorf("%q is not known: %s", s.Mechanism, mechanisms)}
}

const mechanisms = Plain + ", " + ScramSHA256 + ", " + ScramSHA512 + " or " + OAuthBearer

func (s *SASL) token() (string, error) {
	if s.TokenFile == "" {
		return s.Token, nil
	}
	content, err := os.ReadFile(s.TokenFile)
	if err != nil {
		return "", &SettingError{"SASL.TokenFile", err}
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return "", &SettingError{"SASL.TokenFile", errors.New(s.TokenFile + " is empty")}
	}
	return token, nil
}

// mechanism gives each login what the settings say by then.
func (s *SASL) mechanism() sasl.Mechanism {
	m := login{user: s.User}
	switch s.Mechanism {
	case Plain:
		m.Mechanism = plain.Auth{User: s.User, Pass: s.Password}.AsMechanism()
	case ScramSHA256:
		m.Mechanism = scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism()
	case ScramSHA512:
		m.Mechanism = scram.Auth{User: s.User, Pass: s.Password}.AsSha512Mechanism()
	case OAuthBearer:
		m.Mechanism = oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			token, err := s.token()
			return oauth.Auth{Token: token}, err
		})
	}
	return m
}

// login is a mechanism that tells who logs in, for messages.
type login struct {
	sasl.Mechanism

	user string // empty for a token's
}

func (l login) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := l.Mechanism.Authenticate(ctx, host)
	return talk{session}, first, err
}

// talk marks what a broker says against a login. Kafka refuses a token in the middle of the talk, by JSON and without an error code.
type talk struct{ sasl.Session }

func (t talk) Challenge(answer []byte) (bool, []byte, error) {
	done, next, err := t.Session.Challenge(answer)
	if err != nil {
		err = &loginError{answer: string(answer), err: err}
	}
	return done, next, err
}

// loginError is a refusal.
type loginError struct {
	answer string
	err    error
}

func (e *loginError) Error() string { return fmt.Sprintf("%v (the broker said %q)", e.err, e.answer) }

func (e *loginError) Unwrap() error { return e.err }
