package kafka

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// SettingError is that a field of a [Connection] is wrong. Trying again doesn't help.
type SettingError struct {
	Field string // Brokers, TLS.CAFile, SASL.Password ...
	Err   error
}

func (e *SettingError) Error() string { return e.Field + ": " + e.Err.Error() }

func (e *SettingError) Unwrap() error { return e.Err }

// Check says what is wrong with the settings, by SettingErrors, before anything connects. It reads the files that they name.
func (c Connection) Check() error {
	var errs []error
	for _, broker := range c.Brokers {
		if err := checkAddress(broker); err != nil {
			errs = append(errs, &SettingError{"Brokers", err})
		}
	}
	if c.TLS != nil {
		_, err := c.TLS.config()
		errs = append(errs, err)
	}
	if c.SASL != nil {
		err := c.SASL.check()
		if err == nil && c.SASL.Mechanism == OAuthBearer {
			_, err = c.SASL.token()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func checkAddress(broker string) error {
	host, port, err := net.SplitHostPort(broker)
	if err != nil || host == "" {
		return fmt.Errorf("%q is not host:port, as in kafka-1.example.com:9092", broker)
	}
	if strings.Contains(host, "/") {
		return fmt.Errorf("%q is a URL: give host:port alone", broker)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q: the port %q is not a number from 1 to 65535", broker, port)
	}
	return nil
}
