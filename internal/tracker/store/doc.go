// Package store keeps what the tracker has read: sagas, their records, the instances of services, and how far the log was
// read, all written in one SQL transaction per batch. It is dumb on purpose: what a record means is the tracker's business, a
// saga's state is bytes here, and only what lists are filtered and sorted by has columns.
//
// It is one store with two dialects: SQLite in a file for one process, PostgreSQL for several processes at once. What the two
// don't say in the same words is a [dialect]'s; all else, the tests included, is the same.
//
// There is one writer at a time: who holds the lease (lease.go). Its sequence numbers grow with its commits, so a reader that
// has seen all up to one number misses nothing by asking for what is above it (see [Store.ChangedSince]), in whichever
// process it is. Readers never wait for the writer nor it for them.
//
// It may import the standard library, modernc's SQLite, pgx and goose. Start reading at open.go, then write.go.
package store
