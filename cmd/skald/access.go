package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/pflag"

	"github.com/skald-saga/skald/internal/console/access"
	"github.com/skald-saga/skald/internal/console/mask"
)

// consoleFlags are those of what serves the console.
func consoleFlags(flags *pflag.FlagSet) {
	flags.String("addr", "127.0.0.1:8080", "address of the console (port 0 takes a free one); any but a loopback address needs --users")
	flags.String("users", "", "YAML file of those who may use the console, with their roles; skald passwd prints its entries (default: whoever reaches the loopback address may do everything)")
	flags.String("mask", "", "fields of payloads that are shown to nobody, as topic.field, joined by commas: notify.email,*.password; notify.* is all of a payload")
	flags.String("https-cert", "", "PEM certificate by which the console speaks HTTPS, with --https-key")
	flags.String("https-key", "", "PEM key of --https-cert")
}

// mask reads --mask.
func (c *terminal) mask() (*mask.Rules, error) {
	rules, err := mask.Parse(strings.Split(c.settings.String("mask"), ","))
	if err != nil {
		return nil, usage("--mask: %w", err)
	}
	return rules, nil
}

// door is where and how the console may be entered.
type door struct {
	addr  string
	users *access.Users // nil: whoever reaches it may do everything
	tls   *tls.Config   // nil: HTTP
	mask  *mask.Rules   // nil: nothing is hidden
}

func (c *terminal) door() (d door, err error) {
	d.addr = c.settings.String("addr")
	if d.mask, err = c.mask(); err != nil {
		return d, err
	}
	if path := c.settings.String("users"); path != "" {
		if d.users, err = access.Load(path); err != nil {
			return d, usage("--users: %w", err)
		}
	}
	local, err := isLoopback(d.addr, "--addr")
	if err != nil {
		return d, err
	}
	if !local && d.users == nil {
		return d, usage("--addr %q: others could reach the console there, so it needs --users, a file that says who may use it (see skald passwd --help); without it only loopback addresses are allowed: use 127.0.0.1", d.addr)
	}
	certificate, key := c.settings.String("https-cert"), c.settings.String("https-key")
	switch {
	case (certificate == "") != (key == ""):
		return d, usage("--https-cert and --https-key go together: give both")
	case certificate != "":
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return d, usage("--https-cert, --https-key: %w", err)
		}
		d.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	case !local:
		fmt.Fprintln(c.err, "warning: the console sends passwords and data as they are: use it behind a proxy that speaks HTTPS, or give --https-cert and --https-key")
	}
	return d, nil
}

// url is the console's address for people.
func (d door) url(listener net.Listener) string {
	if d.tls != nil {
		return "https://" + listener.Addr().String()
	}
	return "http://" + listener.Addr().String()
}

func isLoopback(addr, flag string) (bool, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false, usage("%s %q: host:port is wanted, e.g. 127.0.0.1:8080", flag, addr)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback(), nil
}

// loopback refuses addresses that others could reach, of what never asks for credentials.
func loopback(addr, flag string) error {
	local, err := isLoopback(addr, flag)
	if err == nil && !local {
		err = usage("%s %q: only loopback addresses are allowed, as nothing here asks for credentials: use 127.0.0.1", flag, addr)
	}
	return err
}

func (c *terminal) role() (access.Role, error) {
	role := access.Role(c.settings.String("role"))
	if role != access.Viewer && role != access.Operator {
		return "", usage("--role %q: viewer and operator are allowed", string(role))
	}
	return role, nil
}

var errNoPassword = errors.New("no password came on standard input")
