package engine

import (
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skald-saga/skald/internal/kafka"
	"github.com/skald-saga/skald/internal/wire"
)

// Config is what a session needs to know. All fields are set; defaults are the library's business.
type Config struct {
	Connection    kafka.Connection // client ID and logger are the session's own
	Namespace     wire.Namespace
	Partitions    int32
	Instance      string
	Slot          string // of the process among those of the service; "" for a dynamic member
	MaxOpenSagas  int
	MaxUnfinished int
	DrainTimeout  time.Duration
	Logger        *slog.Logger
	Metrics       prometheus.Registerer // nil for none
	Joined        func(service string)  // called when the group has given the service its partitions; not nil

	// AllowOldTransactions lets the session run where transaction.version is below 2.
	AllowOldTransactions bool

	// Settle is how long after a commit the loop goes on collecting: 3 ms on Kafka, where the markers of the last transaction
	// are still being written, 0 on the embedded broker.
	Settle time.Duration

	// TransactionTimeout is how long the coordinator lets a transaction be open, from its first record on, before it aborts it. A
	// commit is given up after three times as long.
	TransactionTimeout time.Duration

	// SessionTimeout is how long the group may hear nothing of a member before its partitions go to the others.
	SessionTimeout time.Duration

	// Hold is how long a batch waits for its handlers before it parks them.
	Hold time.Duration

	// HangGrace is how long a handler may take to return after its timeout before its saga counts as blocked.
	HangGrace time.Duration

	Upkeep Upkeep
}

// Upkeep says how often a session looks after its ledgers.
type Upkeep struct {
	TrimEvery       time.Duration // deletion of records that no replay needs
	TrimAtLeast     int64         // records of a partition: deleting fewer isn't worth a request
	CheckpointEvery time.Duration // writing down the consumed offsets
	LookEvery       time.Duration // looking whether topics still have the partitions that they had
}

// What the library uses.
const (
	DefaultTransactionTimeout = 10 * time.Second
	DefaultSessionTimeout     = 6 * time.Second
	DefaultHold               = 20 * time.Millisecond
	DefaultHangGrace          = 5 * time.Second
)

// What an engine without a broker (skaldtest) has to have in common with this one.
const (
	MostRecords  = batchLimit
	MaxEvent     = maxEvent
	InboxRoom    = inboxFrame
	DedupeWindow = dedupeWindow
	DedupeMost   = dedupeMost
	LetterBound  = maxSystemRecord - letterFrame
)

// DefaultUpkeep is what the library uses.
var DefaultUpkeep = Upkeep{TrimEvery: 5 * time.Second, TrimAtLeast: 1000, CheckpointEvery: time.Minute, LookEvery: time.Minute}

// Fixed measures of the loop. Each was found by experiment (docs/design.md, "The engine").
const (
	batchLimit = 2000        // records of one transaction's input, at most
	batchLeast = 200         // and as few as that when handlers are slow (limit.go)
	idlePoll   = time.Second // how long a poll waits when nothing comes, before housekeeping

	rebuildCalm = 5 * time.Second // a session that lived for so long is no reason to wait before the next

	rebalanceTimeout = 5 * time.Second
	mostHeartbeat    = 1500 * time.Millisecond // between heartbeats: by them a member hears of a rebalance, in time for rebalanceTimeout

	dedupeWindow = 10 * time.Minute
	dedupeMost   = 500_000 // closed sagas remembered by one session

	fetchBytes          = 8 << 20
	fetchPartitionBytes = 1 << 20

	// maxEvent bounds an event, key and headers included: Kafka's default max.message.bytes is 1,048,588, and a batch has a frame.
	maxEvent = 1_000_000
	// inboxFrame is room for the headers that a record gets on its way through the inbox.
	inboxFrame = 4 << 10
	// maxSystemRecord is max.message.bytes of the topics that take copies of other people's records.
	maxSystemRecord = 16 << 20
	// eventBatchBytes is the producer's batch limit for other topics: what brokers take by default since long ago.
	eventBatchBytes = 1_000_012
)
