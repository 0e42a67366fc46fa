// Package kafka is what every client of Skald's shares when it talks to Kafka:
// connections with TLS and login, the assignment of partitions by number, the
// creation of topics, and words for what goes wrong.
//
// It may import franz-go and the standard library. Start reading at
// [Connection] for how a client is made, [NewBalancer] for who owns what,
// [EnsureTopics] for how topics come to be, and [Connection.Diagnose] for what a
// person reads. The broker of laptops and tests is in the folder embedded.
package kafka
