// Package access says who asks the console and what they may do: people by name and password (HTTP Basic), programs by a token (Bearer),
// each with a role. Without users everybody is an operator, which is why the console then listens on loopback alone. It may import the
// console's problems, and bcrypt. Start reading at Gate.
package access

import (
	"context"
	"net"
	"net/http"
	"net/netip"
)

// Role says what somebody may do.
type Role string

// The roles that there are.
const (
	Viewer   Role = "viewer"   // sees everything, and changes nothing
	Operator Role = "operator" // may also act
)

// Who asks.
type Who struct {
	Name string // empty if the console has no users
	Role Role
	From string // IP address
}

// MayAct says whether they may change anything.
func (w Who) MayAct() bool { return w.Role == Operator }

type key struct{}

// With says in a context who asks.
func With(ctx context.Context, w Who) context.Context { return context.WithValue(ctx, key{}, w) }

// Of says who asks. Where nobody was let in, it's somebody without a role.
func Of(ctx context.Context) Who {
	w, _ := ctx.Value(key{}).(Who)
	return w
}

// addressOf is where a request comes from, without the port: the proxy's address if there is one in front.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().WithZone("").String()
	}
	return host
}
