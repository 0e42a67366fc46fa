// Package bench measures Skald beside the yardstick that it is judged by: a bare franz-go exactly-once chain with the same hops,
// handlers, payload, partitions and broker. The chain comes in two forms: as franz-go documents the loop, and tuned
// (docs/design.md, "Settle").
//
//	new-user -> authorize -> notify -> notified -> outcome
//
// Contestants take turns, round by round, so that whatever else the machine does falls on all of them, and ratios are taken
// within a round. In a turn the services, the load generator and the broker are processes of their own (this binary, started
// again as a worker), so that /proc tells their CPU time and memory apart. The load generator counts the outcomes of every
// saga: a lost or a doubled one fails the run.
//
// One contestant more, tracked, is Skald with a tracker beside it (tracker.go): what that costs, and how far it is behind.
//
// It may import the library, internal/wire, internal/kafka, internal/tracker, the embedded broker and internal/brokertest; only cmd imports it. Start
// reading at Run (run.go), then turn.go; the children are in worker.go, their work in services.go, bare.go and load.go.
package bench
