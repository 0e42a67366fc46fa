package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// prover tells users by their passwords and tokens. bcrypt takes 50 ms on purpose, and a browser sends the password with every request,
// so the last password that was right is remembered for each user, as a keyed hash that is worth nothing outside of this process.
type prover struct {
	users  *Users
	secret [32]byte
	busy   chan struct{} // a place for each bcrypt at a time: guessing must not take all processors
	nobody []byte        // the hash that a name is checked against that no user has, so that the time doesn't tell: another user's

	mu    sync.Mutex
	right map[string][]byte // by name
}

func newProver(users *Users) *prover {
	p := &prover{users: users, busy: make(chan struct{}, 2), right: map[string][]byte{}}
	_, _ = rand.Read(p.secret[:]) // never fails, see crypto/rand
	for _, u := range users.all {
		if u.Password != "" {
			p.nobody = []byte(u.Password)
		}
	}
	return p
}

// token says whose token it is, nil for nobody's.
func (p *prover) token(token string) (found *user) {
	hash := hashOf(token)
	for i := range p.users.all {
		u := &p.users.all[i]
		known, _ := hex.DecodeString(strings.TrimPrefix(u.Token, tokenPrefix))
		if len(known) == len(hash) && subtle.ConstantTimeCompare(known, hash) == 1 {
			found = u
		}
	}
	return found
}

func (p *prover) named(name string) *user {
	for i := range p.users.all {
		if u := &p.users.all[i]; u.Name == name && u.Password != "" {
			return u
		}
	}
	return nil
}

// known says whether this password was right before: without bcrypt.
func (p *prover) known(u *user, password string) bool {
	mark := p.mark(password)
	p.mu.Lock()
	defer p.mu.Unlock()
	return u != nil && hmac.Equal(p.right[u.Name], mark)
}

// check says whether a password is the user's; u may be nil.
func (p *prover) check(ctx context.Context, u *user, password string) (bool, error) {
	select {
	case p.busy <- struct{}{}:
		defer func() { <-p.busy }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	hash := p.nobody
	if u != nil {
		hash = []byte(u.Password)
	}
	right := bcrypt.CompareHashAndPassword(hash, []byte(password[:min(len(password), mostBytes)])) == nil
	if !right || u == nil || len(password) > mostBytes {
		return false, nil
	}
	mark := p.mark(password)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.right[u.Name] = mark
	return true, nil
}

func (p *prover) mark(password string) []byte {
	h := hmac.New(sha256.New, p.secret[:])
	h.Write([]byte(password))
	return h.Sum(nil)
}
