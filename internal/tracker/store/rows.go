package store

// SagaID is a saga's UUID in its binary form.
type SagaID [16]byte

// Saga is one row: what lists are filtered and sorted by, and the state that only the tracker can read.
type Saga struct {
	ID SagaID
	Group
	Subject string
	Started int64 // Unix nanoseconds, 0 when unknown
	Ended   int64 // Unix nanoseconds, 0 while it isn't over
	Due     int64 // its deadline in Unix nanoseconds; 0 if it has none, is noted as overdue, or is over
	Began   int64 // its first Seq
	Seq     int64 // set by the store at every save
	State   []byte

	n   int64 // 0 until saved
	was columns
}

// columns are those that stand in an index or are counted, as they were loaded.
type columns struct {
	group               Group
	subject             string
	started, ended, due int64
}

func (s *Saga) columns() columns { return columns{s.Group, s.Subject, s.Started, s.Ended, s.Due} }

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
	Size      int     // of the value as stored, also where it was left out; not to be set
	Hashes    []int64 // of the headers that its saga is to be found by (see [HeaderHash]); they aren't read back
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
	Data      int64 // the offset behind the last record that isn't a mark of a transaction; 0: none was read, so that of before holds
}
