package access

import (
	"net/netip"
	"sync"
	"time"
)

const (
	guesses     = 10 // that an address has
	forgiveness = 10 * time.Second
	addresses   = 10_000 // that are remembered; all others share one account
)

// limiter bounds how often an address may guess: each wrong guess costs one of ten, and one comes back every ten seconds.
type limiter struct {
	mu    sync.Mutex
	spent map[string]account
}

type account struct {
	wrong int
	since time.Time // of the last that was forgiven
}

// spend takes one guess. If none is left, wait is how long until one is.
func (l *limiter) spend(from string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from = l.accountOf(from, now)
	a := l.spent[from].at(now)
	if a.wrong >= guesses {
		return a.since.Add(forgiveness).Sub(now)
	}
	a.wrong++
	l.spent[from] = a
	return 0
}

// giveBack returns a guess that was right.
func (l *limiter) giveBack(from string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from = l.accountOf(from, now)
	if a := l.spent[from].at(now); a.wrong > 1 {
		a.wrong--
		l.spent[from] = a
	} else {
		delete(l.spent, from)
	}
}

func (a account) at(now time.Time) account {
	forgiven := int(now.Sub(a.since) / forgiveness)
	if a.wrong -= forgiven; a.wrong <= 0 {
		return account{0, now}
	}
	a.since = a.since.Add(time.Duration(forgiven) * forgiveness)
	return a
}

// accountOf is the address, or for IPv6 its network, as one machine has all addresses of one.
func (l *limiter) accountOf(from string, now time.Time) string {
	if addr, err := netip.ParseAddr(from); err == nil && addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			from = network.String()
		}
	}
	if l.spent == nil {
		l.spent = map[string]account{}
	}
	if _, ok := l.spent[from]; ok || len(l.spent) < addresses {
		return from
	}
	for other, a := range l.spent {
		if a.at(now).wrong == 0 {
			delete(l.spent, other)
		}
	}
	if len(l.spent) < addresses {
		return from
	}
	return ""
}
