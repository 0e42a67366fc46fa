-- +goose Up
-- The same tables as SQLite's, where their meaning is explained; here stands what is different.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE lease (
    holder     TEXT NOT NULL,
    held_until BIGINT NOT NULL
);
INSERT INTO lease (holder, held_until) VALUES ('', 0);

CREATE TABLE topic (
    n        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     TEXT NOT NULL,
    kafka_id BYTEA NOT NULL,
    UNIQUE (name, kafka_id)
);

CREATE TABLE position (
    topic           BIGINT NOT NULL,
    kafka_partition INTEGER NOT NULL,
    next            BIGINT NOT NULL,
    PRIMARY KEY (topic, kafka_partition)
);

CREATE TABLE saga (
    n        BIGINT PRIMARY KEY,
    id       BYTEA NOT NULL UNIQUE,
    workflow TEXT COLLATE "C" NOT NULL,
    subject  TEXT NOT NULL,
    status   TEXT COLLATE "C" NOT NULL,
    started  BIGINT NOT NULL,
    ended    BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    state    BYTEA NOT NULL
);
-- Not unique as in SQLite: there it is checked row by row anyway, here a statement's rows would have to be.
CREATE INDEX saga_seq ON saga (seq);
CREATE INDEX saga_started ON saga (started, n);
CREATE INDEX saga_filter ON saga (workflow, status, started, n);
CREATE INDEX saga_ended ON saga (ended, n) WHERE ended > 0;

CREATE TABLE saga_count (
    workflow TEXT COLLATE "C" NOT NULL,
    status   TEXT COLLATE "C" NOT NULL,
    sagas    BIGINT NOT NULL,
    PRIMARY KEY (workflow, status)
);

-- A table of its own, as a saga's row is written anew with every change, all its index entries included. The trigrams are
-- hashes that the store works out: the extension pg_trgm is not on every server, and knows words of letters only.
CREATE TABLE saga_subject (
    n      BIGINT PRIMARY KEY,
    folded TEXT NOT NULL,
    grams  INTEGER[] NOT NULL
);
-- What isn't sorted in yet every search has to look through: 1 MiB of it takes a millisecond or two.
CREATE INDEX saga_subject_grams ON saga_subject USING gin (grams) WITH (gin_pending_list_limit = 1024);

CREATE TABLE record (
    n               BIGINT GENERATED ALWAYS AS IDENTITY,
    saga            BIGINT NOT NULL,
    topic           BIGINT NOT NULL,
    kafka_partition INTEGER NOT NULL,
    kafka_offset    BIGINT NOT NULL,
    time            BIGINT NOT NULL,
    headers         BYTEA NOT NULL,
    value           BYTEA
);
CREATE UNIQUE INDEX record_place ON record (saga, topic, kafka_partition, kafka_offset);

CREATE TABLE instance (
    service      TEXT COLLATE "C" NOT NULL,
    instance     TEXT COLLATE "C" NOT NULL,
    announced    BIGINT NOT NULL,
    announcement BYTEA NOT NULL,
    PRIMARY KEY (service, instance)
);

-- +goose Down
DROP TABLE instance;
DROP TABLE record;
DROP TABLE saga_subject;
DROP TABLE saga_count;
DROP TABLE saga;
DROP TABLE position;
DROP TABLE topic;
DROP TABLE lease;
DROP TABLE meta;
