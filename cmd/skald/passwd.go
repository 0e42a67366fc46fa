package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skald-saga/skald/internal/console/access"
)

func newPasswd(c *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Make an entry for the file of the console's users",
		Long: `Prints an entry for the file that skald console --users and skald up --users read: a name, a role, and the hash of a password (bcrypt) or of a token.
The password is read from standard input if that isn't a terminal; else a new one is made, and said on standard error, once. A token is for programs,
which send it as "Authorization: Bearer …"; the commands of skald take it from SKALD_TOKEN.

A viewer sees everything and changes nothing. An operator may also act: start sagas, cancel, redrive, and so on.`,
		Example: `  skald passwd ada --role operator >> users.yaml
  skald passwd ci --for-program >> users.yaml
  skald console --addr 0.0.0.0:8443 --users users.yaml --https-cert cert.pem --https-key key.pem`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("give one name (see %s --help)", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return c.passwd(args[0]) },
	}
	cmd.Flags().String("role", string(access.Viewer), "viewer or operator")
	cmd.Flags().Bool("for-program", false, "make a token for a program instead of a password")
	return cmd
}

func (c *terminal) passwd(name string) error {
	role, err := c.role()
	if err != nil {
		return err
	}
	if c.settings.Bool("for-program") {
		token := access.NewSecret()
		entry, err := access.TokenLine(name, role, token)
		if err != nil {
			return usage("%w", err)
		}
		fmt.Fprintf(c.err, "the token of %s, which nothing keeps: %s\n", name, token)
		fmt.Fprint(c.out, entry)
		return nil
	}
	password, made, err := c.newPassword()
	if err != nil {
		return err
	}
	entry, err := access.Line(name, role, password)
	if err != nil {
		return usage("%w", err)
	}
	if made {
		fmt.Fprintf(c.err, "the password of %s, which nothing keeps: %s\n", name, password)
	}
	fmt.Fprint(c.out, entry)
	return nil
}

// newPassword is what standard input says, or a new one if a person sits there: typing one would show it.
func (c *terminal) newPassword() (password string, made bool, err error) {
	if isTerminal(c.in) {
		return access.NewSecret(), true, nil
	}
	const most = 1 << 10
	content, err := io.ReadAll(io.LimitReader(c.in, most))
	if err != nil {
		return "", false, fmt.Errorf("read the password: %w", err)
	}
	if password, _, _ = strings.Cut(string(content), "\n"); strings.TrimRight(password, "\r") == "" {
		return "", false, usage("%w", errNoPassword)
	}
	return strings.TrimRight(password, "\r"), false, nil
}
