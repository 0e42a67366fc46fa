-- +goose Up
-- The same tables as SQLite's, where their meaning is explained.

CREATE TABLE saga_group (
    n        BIGINT PRIMARY KEY,
    workflow TEXT NOT NULL,
    status   TEXT NOT NULL,
    service  TEXT NOT NULL,
    topic    TEXT NOT NULL,
    overdue  BIGINT NOT NULL,
    sagas    BIGINT NOT NULL
);

DROP TABLE saga;
DROP TABLE saga_count;

CREATE TABLE saga (
    n        BIGINT PRIMARY KEY,
    id       BYTEA NOT NULL UNIQUE,
    in_group BIGINT NOT NULL,
    subject  TEXT NOT NULL,
    started  BIGINT NOT NULL,
    ended    BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    began    BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    state    BYTEA NOT NULL
);
-- Not unique as in SQLite: there it is checked row by row anyway, here a statement's rows would have to be.
CREATE INDEX saga_seq ON saga (seq);
CREATE INDEX saga_started ON saga (started, n);
CREATE INDEX saga_grouped ON saga (in_group, started, n);
CREATE INDEX saga_ended ON saga (ended, n) WHERE ended > 0;
CREATE INDEX saga_due ON saga (due) WHERE due > 0;

CREATE TABLE saga_header (
    bucket BIGINT NOT NULL,
    hash   BIGINT NOT NULL,
    saga   BIGINT NOT NULL,
    PRIMARY KEY (bucket, hash, saga)
);

CREATE TABLE outcome_minute (
    minute  BIGINT NOT NULL,
    outcome TEXT COLLATE "C" NOT NULL,
    sagas   BIGINT NOT NULL,
    PRIMARY KEY (minute, outcome)
);

DELETE FROM meta WHERE key = 'cluster';

-- +goose Down
DROP TABLE outcome_minute;
DROP TABLE saga_header;
DROP TABLE saga;
DROP TABLE saga_group;
