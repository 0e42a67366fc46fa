package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
)

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

func (t *TLS) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, &SettingError{"TLS.CAFile", err}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &SettingError{"TLS.CAFile", errors.New("there is no certificate in " + t.CAFile + ": it has to be PEM, beginning with -----BEGIN CERTIFICATE-----")}
		}
	}
	switch {
	case t.CertFile != "" && t.KeyFile == "":
		return nil, &SettingError{"TLS.KeyFile", errors.New("it is needed with TLS.CertFile")}
	case t.CertFile == "" && t.KeyFile != "":
		return nil, &SettingError{"TLS.CertFile", errors.New("it is needed with TLS.KeyFile")}
	case t.CertFile == "":
		return config, nil
	}
	if _, err := t.certificate(nil); err != nil {
		return nil, err
	}
	config.GetClientCertificate = t.certificate
	return config, nil
}

func (t *TLS) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	for _, file := range []struct{ field, name string }{{"TLS.CertFile", t.CertFile}, {"TLS.KeyFile", t.KeyFile}} {
		if _, err := os.Stat(file.name); err != nil {
			return nil, &SettingError{file.field, err}
		}
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, &SettingError{"TLS.CertFile", err}
	}
	return &pair, nil
}
