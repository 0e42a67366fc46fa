package access

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/problem"
)

// open is what needs no credentials: who watches over processes has none.
var open = []string{"/healthz", "/readyz"}

// Gate lets in who says rightly who they are, and says in the request's context who that is.
type Gate struct {
	prover *prover // nil: there are no users
	limit  limiter
	logger *slog.Logger
}

// NewGate makes a gate for users, or, if they are nil, one that lets in everybody as an operator.
func NewGate(users *Users, logger *slog.Logger) *Gate {
	g := &Gate{logger: logger}
	if users != nil {
		g.prover = newProver(users)
	}
	return g
}

// Handler answers 401 to who doesn't say who they are, or wrongly, and 429 to who is wrong too often.
func (g *Gate) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := g.ask(r)
		if err != nil {
			header := w.Header()
			if seconds := err.wait; seconds > 0 {
				header.Set("Retry-After", strconv.Itoa(int(seconds/time.Second)+1))
			}
			if err.status == http.StatusUnauthorized {
				header["Www-Authenticate"] = []string{`Basic realm="Skald", charset="UTF-8"`, `Bearer realm="Skald"`}
			}
			header.Set("Cache-Control", "no-store")
			problem.Write(w, huma.NewError(err.status, err.text))
			return
		}
		next.ServeHTTP(w, r.WithContext(With(r.Context(), who)))
	})
}

// OnlyOperators answers 403 to others for whatever isn't reading.
func OnlyOperators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who := Of(r.Context()); !Reads(r) && !who.MayAct() {
			text := "this needs the role operator"
			if who.Name != "" {
				text += ", and " + who.Name + " is a " + string(who.Role)
			}
			problem.Write(w, huma.NewError(http.StatusForbidden, text))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Reads says whether a request changes nothing.
func Reads(r *http.Request) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method)
}

type refusal struct {
	status int
	text   string
	wait   time.Duration
}

const howTo = "say who you are: by name and password (HTTP Basic), or by a token (Authorization: Bearer …)"

func (g *Gate) ask(r *http.Request) (Who, *refusal) {
	from := addressOf(r)
	if g.prover == nil {
		return Who{Role: Operator, From: from}, nil
	}
	if slices.Contains(open, r.URL.Path) {
		return Who{From: from}, nil
	}
	name, password, basic := r.BasicAuth()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	var found *user
	switch bearer := strings.EqualFold(scheme, "Bearer"); {
	case basic:
		if found = g.prover.named(name); g.prover.known(found, password) {
			return who(found, from), nil
		}
	case bearer:
		if found = g.prover.token(strings.TrimSpace(token)); found != nil {
			return who(found, from), nil
		}
	default:
		return Who{}, &refusal{status: http.StatusUnauthorized, text: howTo}
	}
	if wait := g.limit.spend(from, time.Now()); wait > 0 {
		return Who{}, &refusal{http.StatusTooManyRequests, fmt.Sprintf("too many wrong passwords or tokens came from %s: try again in %d s", from, int(wait/time.Second)+1), wait}
	}
	if basic {
		right, err := g.prover.check(r.Context(), found, password)
		if err != nil {
			return Who{}, &refusal{http.StatusServiceUnavailable, "the password could not be checked: " + context.Cause(r.Context()).Error(), time.Second}
		}
		if right {
			g.limit.giveBack(from, time.Now())
			return who(found, from), nil
		}
	}
	// A name that no user has may be a password in the wrong field.
	known := ""
	if found != nil {
		known = found.Name
	}
	g.logger.Warn("a login was refused", "from", from, "user", known)
	return Who{}, &refusal{status: http.StatusUnauthorized, text: "name and password, or the token, are wrong"}
}

func who(u *user, from string) Who { return Who{Name: u.Name, Role: u.Role, From: from} }
