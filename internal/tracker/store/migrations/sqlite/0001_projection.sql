-- +goose Up

-- Facts about the database itself: which cluster it tells of, and the last sequence number given out.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- A topic made anew under its old name has another ID, and is another topic.
CREATE TABLE topic (
    n        INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    kafka_id BLOB NOT NULL,
    UNIQUE (name, kafka_id)
);

CREATE TABLE position (
    topic           INTEGER NOT NULL,
    kafka_partition INTEGER NOT NULL,
    next            INTEGER NOT NULL,
    PRIMARY KEY (topic, kafka_partition)
) WITHOUT ROWID;

-- started is in Unix nanoseconds, 0 when unknown.
CREATE TABLE saga (
    n        INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    subject  TEXT NOT NULL,
    status   TEXT NOT NULL,
    started  INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    state    BLOB NOT NULL
);
CREATE UNIQUE INDEX saga_seq ON saga (seq);
CREATE INDEX saga_started ON saga (started);
-- Serves every filter: see list.go for how a list of one workflow or one status is merged from its parts.
CREATE INDEX saga_filter ON saga (workflow, status, started);

CREATE TABLE saga_count (
    workflow TEXT NOT NULL,
    status   TEXT NOT NULL,
    sagas    INTEGER NOT NULL,
    PRIMARY KEY (workflow, status)
) WITHOUT ROWID;

-- Finds parts of business keys, of three characters or more. The rowid is saga.n.
CREATE VIRTUAL TABLE saga_subject USING fts5 (
    subject, content = '', contentless_delete = 1, tokenize = 'trigram'
);

-- The records of sagas, whole. Appended only: the one index finds a saga's and refuses repeats.
CREATE TABLE record (
    n               INTEGER PRIMARY KEY,
    saga            INTEGER NOT NULL,
    topic           INTEGER NOT NULL,
    kafka_partition INTEGER NOT NULL,
    kafka_offset    INTEGER NOT NULL,
    time            INTEGER NOT NULL,
    headers         BLOB NOT NULL,
    value           BLOB
);
CREATE UNIQUE INDEX record_place ON record (saga, topic, kafka_partition, kafka_offset);

-- The newest announcement of each instance of a service.
CREATE TABLE instance (
    service      TEXT NOT NULL,
    instance     TEXT NOT NULL,
    announced    INTEGER NOT NULL,
    announcement BLOB NOT NULL,
    PRIMARY KEY (service, instance)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE instance;
DROP TABLE record;
DROP TABLE saga_subject;
DROP TABLE saga_count;
DROP TABLE saga;
DROP TABLE position;
DROP TABLE topic;
DROP TABLE meta;
