package store

import "context"

// dialect is what SQLite and PostgreSQL don't say in the same words. Statements are written as SQLite takes them, with question
// marks for their arguments.
type dialect interface {
	// text gives a statement in the database's words.
	text(statement string) string

	// now is an expression for the database's clock, in Unix milliseconds.
	now() string

	// in is the condition that a column, of a type as PostgreSQL names it, has one of the values: of any number of bigint, and of
	// at most inAtATime others.
	in(column, kind string, values []any) (condition string, args []any)
	inAtATime() int

	// begin is said first in a transaction that writes.
	begin(ctx context.Context, tx *Tx) error

	// runMany runs a statement for many rows, each the arguments of one.
	runMany(tx *Tx, c change, rows [][]any) error

	// forget empties a table.
	forget(table string) string

	// index and unindex keep the search index of business keys.
	index(tx *Tx, subjects []subject) error
	unindex() change

	// matching is a query for the numbers of the sagas whose business key contains a text of MinSearch characters or more.
	// allAtOnce says that it works all of them out before it gives the first: then a part of the list had better be tried before.
	matching(search string) (query string, args []any, allAtOnce bool)
}

// subject is an entry of the search index: a saga's number and its business key.
type subject struct {
	n    int64
	text string
}

// change is a statement that is run for many rows. One of insert, update and remove names its table.
type change struct {
	insert, update, remove string
	columns                []column // in the order of a row's arguments; of a remove, those by which rows are found beside the key
	conflict               string   // of an insert
	key                    column   // by which rows are updated or removed; the last of a row's arguments
}

// column names a column and its type, as PostgreSQL calls it.
type column struct{ name, kind string }

var (
	bigint = func(name string) column { return column{name, "bigint"} }
	text   = func(name string) column { return column{name, "text"} }
	bytea  = func(name string) column { return column{name, "bytea"} }
)
