// Package store keeps what the tracker has read: sagas, their records, the instances of services, and how far the log was
// read, all written in one SQL transaction per batch. It is dumb on purpose: what a record means is the tracker's business, a
// saga's state is bytes here, and only what lists are filtered and sorted by has columns.
//
// There is one writer. Its sequence numbers grow with its commits, so a reader that has seen all up to one number misses
// nothing by asking for what is above it (see [Store.ChangedSince]). Readers never wait for the writer nor it for them.
//
// It may import the standard library, modernc's SQLite and goose. Start reading at open.go, then write.go.
package store
