//go:build !linux

package bench

import "errors"

func startApache() (addr string, stop func(), err error) {
	return "", nil, errors.New("Apache Kafka is started by the bench on Linux only: start one yourself and give its host:port as the broker")
}
