// Package embedded runs a Kafka-protocol broker inside this process: the
// broker of `skald up` and of the tests.
//
// It is franz-go's kfake, held in memory: when the process ends, all topics are
// gone. It is for a laptop, a demo and tests; production is Apache Kafka.
//
// kfake trusts its clients, and a panic in it takes the whole process down. So
// the broker listens on loopback only, and every connection goes through a
// guard which closes it at the first request that kfake couldn't take. The
// guard is against accidents (a browser, a port scanner, a client of another
// protocol or of a future version), not against malice: whoever may connect to
// the loopback interface may also delete every topic.
//
// It may import franz-go, google/uuid and the standard library. Start reading
// at [Start], then guard.go (the connections) and request.go (what is refused).
package embedded
