// Package skaldsql makes an effect in SQL happen once, and lets it be undone once.
//
// Handlers run at least once: a retry, a redrive, a crash or a rebalance calls them again, and a process that was frozen may
// still be at work while another one has taken over. What goes to Kafka is exactly-once all the same; this package is
// the other half, for what goes to a SQL database. A handler does its work by [Once], under its idempotency key:
//
//	func (p *provisioner) assign(ctx context.Context, u NewUser) (d Device, err error) {
//		err = skaldsql.InTx(ctx, p.db, func(tx *sql.Tx) error {
//			d, err = skaldsql.Once(ctx, tx, skald.IdempotencyKey(ctx), func(ctx context.Context) (Device, error) {
//				// any SQL on tx
//			})
//			return err
//		})
//		return d, err
//	}
//
// and its compensation by [Undo], under the same key:
//
//	return skaldsql.Undo(ctx, tx, skald.IdempotencyKey(ctx), func(ctx context.Context) error { … })
//
// # What is guaranteed
//
// The note that the effect was done, with its result, is written in the transaction of the effect itself. So both are there or
// neither is, and of all transactions that ever run under a key, one at most commits an effect; every other one is given
// its result. After an Undo the key is spent: the effect never takes place any more, however late somebody asks for it.
//
// That holds for what is done by tx, and for nothing else: a mail that the function sends, or a row that it writes by another
// connection, is not taken back by a rollback, and may be sent or written again. Such effects need an idempotency key that
// their receiver understands.
//
// A handler with several effects that commit apart from each other gives each its own key, e.g. the
// idempotency key with "/invoice" behind it.
//
// # Two at once
//
// The first statement of Once and Undo claims the key: it inserts the key's row, or locks the one that is there. Until the
// claim's transaction ends, another one under that key waits, and what it then sees depends on how the first one ended. If
// it was rolled back, the second one does the work. If it committed, the second one gets the stored result. Where the
// database won't let it wait, or wait longer, it gets the driver's error instead: return that from the handler, and the engine
// tries again later.
//
//   - SQLite lets it wait as long as busy_timeout says, which by default is not at all: then the loser sees SQLITE_BUSY. A
//     transaction that has read before it calls Once can't wait (SQLITE_BUSY_SNAPSHOT), so call Once first, or open
//     the database so that transactions begin immediate. On a database in memory with one connection the loser waits for the
//     connection.
//   - PostgreSQL lets it wait (lock_timeout bounds that). At the isolation level read committed, its default, the loser then gets
//     the result; at repeatable read and serializable it gets a serialization failure (40001).
//
// # Dialects
//
// There is one set of statements for SQLite (3.35 or newer) and PostgreSQL (9.5 or newer). Both take $1 as a placeholder, ON CONFLICT and
// RETURNING, so nothing has to be told or guessed about the driver. MySQL has none of the three.
//
// The package imports the standard library only. Start reading at [Once].
package skaldsql
