package store

// SagaID is a saga's UUID in its binary form.
type SagaID [16]byte

// Saga is one row: what lists are filtered and sorted by, and the state that only the tracker can read.
type Saga struct {
	ID       SagaID
	Workflow string
	Subject  string
	Status   string // "": nothing but its ID is known, and no list has it
	Started  int64  // Unix nanoseconds, 0 when unknown
	Ended    int64  // Unix nanoseconds, 0 while it isn't over
	Seq      int64  // set by the store at every save
	State    []byte

	n   int64 // 0 until saved
	was columns
}

// columns are those that stand in an index or are counted, as they were loaded.
type columns struct {
	workflow, subject, status string
	started, ended            int64
}

func (s *Saga) columns() columns { return columns{s.Workflow, s.Subject, s.Status, s.Started, s.Ended} }

// Topic names a topic of the cluster. A topic made anew has another KafkaID.
type Topic struct {
	Name    string // without the namespace prefix
	KafkaID [16]byte
}

// Record is one record of a saga.
type Record struct {
	Topic     Topic
	Partition int32
	Offset    int64
	Time      int64 // Unix nanoseconds
	Headers   []byte
	Value     []byte
	Size      int // of the value as stored, also where it was left out; not to be set
}

// Instance is the newest announcement of one instance of a service.
type Instance struct {
	Service      string
	Instance     string
	Announced    int64 // Unix nanoseconds
	Announcement []byte
}

// Position is how far a partition was read: the offset of the next record.
type Position struct {
	Topic     Topic
	Partition int32
	Next      int64
}
