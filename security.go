package skald

import "github.com/skald-saga/skald/internal/kafka"

// TLS encrypts connections to the brokers. The zero value trusts whom the operating system trusts, and shows no certificate.
type TLS struct {
	// CAFile holds the certificates of who may have signed those of the brokers, in PEM. Default the operating system's. It is
	// read once per client.
	CAFile string

	// CertFile and KeyFile hold the client's own certificate (with its chain) and its key, in PEM, for brokers that demand one:
	// both or neither. They are read again for each connection, so that short-lived ones can be replaced.
	CertFile, KeyFile string

	// ServerName is the name that brokers' certificates have to bear. Default the host of each broker's address.
	ServerName string
}

// SASL is how services and clients log in to the brokers.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER. PLAIN and OAUTHBEARER send the secret itself: use them
	// with [TLS].
	Mechanism string

	// User and Password are for PLAIN and SCRAM.
	User, Password string

	// Token or TokenFile is for OAUTHBEARER. The file is read again at each login, so that whoever renews tokens just writes
	// it; white space around the token doesn't count.
	Token, TokenFile string
}

// connection is how every client of this configuration reaches Kafka.
func (c Config) connection() kafka.Connection {
	return kafka.Connection{Brokers: c.Brokers, TLS: (*kafka.TLS)(c.TLS), SASL: (*kafka.SASL)(c.SASL), Logger: c.Logger}
}
