// Package kafka is what every client of Skald's shares when it talks to Kafka:
// options, the assignment of partitions by number, and the creation of topics.
//
// It may import franz-go and the standard library. Start reading at
// [Connection] for how a client is made, [NewBalancer] for who owns what, and
// [EnsureTopics] for how topics come to be. The broker of laptops and tests is
// in the folder embedded.
package kafka
