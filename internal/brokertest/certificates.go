package brokertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Certificates are those of a cluster's listeners with TLS, in PEM files.
type Certificates struct {
	CAFile string // who signed all of them

	// For clients, as User:CN=client.
	ClientCertFile, ClientKeyFile string

	nodeFile string // certificate and key of the nodes, for 127.0.0.1 alone
}

func newCertificates(dir string) (*Certificates, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ca, err := NewAuthority()
	if err != nil {
		return nil, err
	}
	c := &Certificates{
		CAFile:         filepath.Join(dir, "ca.pem"),
		ClientCertFile: filepath.Join(dir, "client.pem"),
		ClientKeyFile:  filepath.Join(dir, "client.key"),
		nodeFile:       filepath.Join(dir, "node.pem"),
	}
	nodeCert, nodeKey, err := ca.Issue("node", net.IPv4(127, 0, 0, 1))
	if err != nil {
		return nil, err
	}
	clientCert, clientKey, err := ca.Issue("client")
	if err != nil {
		return nil, err
	}
	for file, content := range map[string][]byte{
		c.CAFile: ca.PEM(), c.ClientCertFile: clientCert, c.ClientKeyFile: clientKey, c.nodeFile: slices.Concat(nodeKey, nodeCert),
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Certificates) properties() map[string]string {
	return map[string]string{
		"ssl.keystore.type": "PEM", "ssl.keystore.location": c.nodeFile,
		"ssl.truststore.type": "PEM", "ssl.truststore.location": c.CAFile,
	}
}

// Authority signs certificates for tests.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes one that nobody trusts yet.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := newTemplate("Skald's tests")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &Authority{certificate, key}, err
}

// PEM is the authority's own certificate.
func (a *Authority) PEM() []byte { return encoded("CERTIFICATE", a.certificate.Raw) }

// Issue gives a certificate and its key, both as PEM.
func (a *Authority) Issue(name string, addresses ...net.IP) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := newTemplate(name)
	template.IPAddresses, template.KeyUsage = addresses, x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	return encoded("CERTIFICATE", der), encoded("PRIVATE KEY", pkcs8), err
}

func newTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func encoded(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
