package doctor

import (
	"context"
	"fmt"
	"net"
)

// Reachable checks that something listens at an address, such as a mail server.
func Reachable(name, addr, fix string) Check {
	return Check{Name: name, Run: func(ctx context.Context) []Finding {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return []Finding{{name, Problem, fmt.Sprintf("nothing answers at %s: %v", addr, err), fix}}
		}
		_ = conn.Close() // it was only to see
		return []Finding{{name, OK, addr + " answers", ""}}
	}}
}

// Free checks that an address could be listened on.
func Free(name, addr, fix string) Check {
	return Check{Name: name, Run: func(ctx context.Context) []Finding {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			return []Finding{{name, Warning, fmt.Sprintf("%s can't be listened on: %v", addr, err), fix}}
		}
		_ = l.Close() // it was only to see
		return []Finding{{name, OK, addr + " is free", ""}}
	}}
}
