package brokertest

import (
	"maps"
	"slices"
)

// Option changes how an Apache Kafka is started.
type Option func(*settings)

// Listener is one more way into each node, beside the one without encryption or login.
type Listener struct {
	Name              string   // as one likes, in capital letters
	TLS               bool     // else plaintext
	ClientCertificate bool     // demands one that Cluster.Certificates has signed; its user is User:CN=...
	Mechanisms        []string // SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER; none for no login
}

type settings struct {
	listeners  []Listener
	users      map[string]string
	acls       bool
	features   map[string]int
	properties map[string]string
	heap       string
}

func newSettings(options []Option) *settings {
	s := &settings{users: map[string]string{}, features: map[string]int{}, properties: map[string]string{}, heap: "512m"}
	for _, option := range options {
		option(s)
	}
	return s
}

// WithListeners adds listeners.
func WithListeners(listeners ...Listener) Option {
	return func(s *settings) { s.listeners = append(s.listeners, listeners...) }
}

// WithUsers sets names and passwords for PLAIN and SCRAM. OAUTHBEARER takes any [UnsecuredToken].
func WithUsers(passwords map[string]string) Option {
	return func(s *settings) { maps.Copy(s.users, passwords) }
}

// WithACLs makes Kafka refuse what no ACL allows. Whoever comes by the listener without login may do all.
func WithACLs() Option { return func(s *settings) { s.acls = true } }

// WithFeature formats the cluster with another level of a feature, such as transaction.version.
func WithFeature(name string, level int) Option {
	return func(s *settings) { s.features[name] = level }
}

// WithProperty sets a property of every node.
func WithProperty(name, value string) Option {
	return func(s *settings) { s.properties[name] = value }
}

// WithHeap sets the largest heap per node, as Java writes it. Default 512m.
func WithHeap(size string) Option { return func(s *settings) { s.heap = size } }

func (s *settings) encrypts() bool {
	return slices.ContainsFunc(s.listeners, func(l Listener) bool { return l.TLS })
}
