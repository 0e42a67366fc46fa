package bench

import "github.com/skald-saga/skald/internal/brokertest"

// startApache starts Apache Kafka from its Maven artifacts.
func startApache() (addr string, stop func(), err error) {
	kafka, err := brokertest.StartKafka(brokertest.WithHeap("1g"))
	if err != nil {
		return "", nil, err
	}
	return kafka.Addr, kafka.Stop, nil
}
