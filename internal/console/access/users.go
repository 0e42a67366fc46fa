package access

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"
)

// Users are those who may use the console. They are read once: a change of the file counts from the next start on.
type Users struct{ all []user }

type user struct {
	Name     string `yaml:"name"`
	Role     Role   `yaml:"role"`
	Password string `yaml:"password,omitempty"` // bcrypt
	Token    string `yaml:"token,omitempty"`    // sha256: and 64 hexadecimal digits
}

const (
	tokenPrefix = "sha256:"
	mostBytes   = 72 // of a password: bcrypt takes no more
	cost        = bcrypt.DefaultCost
)

// Load reads users from a YAML file; [Line] makes its entries.
func Load(path string) (*Users, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	users, err := Parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return users, nil
}

// Parse reads a list of users. No part of it is told in an error but names: it holds hashes.
func Parse(content []byte) (*Users, error) {
	u := &Users{}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&u.all); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New("a list of users is expected, each with name, role, and password or token, as skald passwd prints them")
	}
	if len(u.all) == 0 {
		return nil, errors.New("it names no user: skald passwd prints a line for one")
	}
	names := map[string]bool{}
	for _, one := range u.all {
		if one.Name == "" || strings.Contains(one.Name, ":") {
			return nil, fmt.Errorf("user %q: a name without a colon is needed, as HTTP Basic can't send others", one.Name)
		}
		if names[one.Name] {
			return nil, fmt.Errorf("user %q is there twice", one.Name)
		}
		names[one.Name] = true
		if err := one.check(); err != nil {
			return nil, fmt.Errorf("user %q: %w", one.Name, err)
		}
	}
	return u, nil
}

func (u *user) check() error {
	if u.Role != Viewer && u.Role != Operator {
		return fmt.Errorf("the role %q isn't known: viewer and operator are", string(u.Role))
	}
	if u.Password == "" && u.Token == "" {
		return errors.New("password or token is needed, as skald passwd prints them")
	}
	if _, err := bcrypt.Cost([]byte(u.Password)); u.Password != "" && err != nil {
		return errors.New("password isn't a bcrypt hash: skald passwd makes one")
	}
	digits, ok := strings.CutPrefix(u.Token, tokenPrefix)
	if hash, err := hex.DecodeString(digits); u.Token != "" && (!ok || err != nil || len(hash) != sha256.Size) {
		return errors.New("token isn't sha256: with 64 hexadecimal digits: skald passwd --for-program makes one")
	}
	return nil
}

// Line is the entry of a user file for a password: a line of YAML.
func Line(name string, role Role, password string) (string, error) {
	if len(password) > mostBytes {
		return "", fmt.Errorf("a password may have at most %d bytes", mostBytes)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return "", err
	}
	return line(user{Name: name, Role: role, Password: string(hash)})
}

// TokenLine is the entry of a user file for a token. A token of [NewSecret] can't be guessed, so its hash needn't be slow.
func TokenLine(name string, role Role, token string) (string, error) {
	return line(user{Name: name, Role: role, Token: tokenPrefix + hex.EncodeToString(hashOf(token))})
}

func line(u user) (string, error) {
	entry, err := yaml.Marshal([]user{u}) //nolint:gosec // G117: it is a hash
	if err != nil {
		return "", err
	}
	if _, err := Parse(entry); err != nil {
		return "", err
	}
	return string(entry), nil
}

// NewSecret makes a password or a token: 26 letters and digits, 128 bits or more of chance.
func NewSecret() string { return strings.ToLower(rand.Text()) }

func hashOf(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}
