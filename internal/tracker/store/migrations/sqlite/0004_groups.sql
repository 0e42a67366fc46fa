-- +goose Up

-- What sagas are filtered and counted by: every combination of it that some saga has, or once had. service and topic are of the
-- step that has its token, '' once it is over; overdue is 1 once its initiator has noted that, until it is over. Few rows, which
-- stay: a saga names its own by number, so one index serves every filter.
CREATE TABLE saga_group (
    n        INTEGER PRIMARY KEY,
    workflow TEXT NOT NULL,
    status   TEXT NOT NULL,
    service  TEXT NOT NULL,
    topic    TEXT NOT NULL,
    overdue  INTEGER NOT NULL,
    sagas    INTEGER NOT NULL
);

-- All is read from the log again, so what is there needn't be brought into the new form.
DROP TABLE saga;
DROP TABLE saga_count;

-- started is 0 when unknown. due is its deadline, 0 if it has none, it is noted as overdue, or it is over. began is the first
-- number that it was given, seq the last.
CREATE TABLE saga (
    n        INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    in_group INTEGER NOT NULL,
    subject  TEXT NOT NULL,
    started  INTEGER NOT NULL,
    ended    INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    began    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    state    BLOB NOT NULL
);
CREATE UNIQUE INDEX saga_seq ON saga (seq);
CREATE INDEX saga_started ON saga (started);
CREATE INDEX saga_grouped ON saga (in_group, started);
CREATE INDEX saga_ended ON saga (ended) WHERE ended > 0;
CREATE INDEX saga_due ON saga (due) WHERE due > 0;

-- Finds sagas by headers of their events: hash is of a header's name and value. A bucket is of sagas that were first seen one
-- after the other (see headers.go), so that new rows lie near each other, however the hashes fall.
CREATE TABLE saga_header (
    bucket INTEGER NOT NULL,
    hash   INTEGER NOT NULL,
    saga   INTEGER NOT NULL,
    PRIMARY KEY (bucket, hash, saga)
) WITHOUT ROWID;

-- How many sagas ended in a minute, counted from 1970. Sagas that retention deletes stay counted.
CREATE TABLE outcome_minute (
    minute  INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    sagas   INTEGER NOT NULL,
    PRIMARY KEY (minute, outcome)
) WITHOUT ROWID;

DELETE FROM meta WHERE key = 'cluster';

-- +goose Down
DROP TABLE outcome_minute;
DROP TABLE saga_header;
DROP TABLE saga;
DROP TABLE saga_group;
