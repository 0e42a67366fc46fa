-- +goose Up

-- Dead letters, by their place in the dead-letter topic. saga is saga.n, 0 for a letter of none. time is in Unix nanoseconds.
CREATE TABLE letter (
    kafka_partition INTEGER NOT NULL,
    kafka_offset    BIGINT NOT NULL,
    saga            BIGINT NOT NULL,
    time            BIGINT NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    cause           TEXT COLLATE "C" NOT NULL,
    id              TEXT NOT NULL,
    event           TEXT NOT NULL,
    service         TEXT NOT NULL,
    step            TEXT NOT NULL,
    class           TEXT NOT NULL,
    error           TEXT NOT NULL,
    attempts        BIGINT NOT NULL,
    redrives        BIGINT NOT NULL,
    PRIMARY KEY (kafka_partition, kafka_offset)
);
CREATE INDEX letter_cause ON letter (cause, status, time);
CREATE INDEX letter_time ON letter (time, kafka_partition, kafka_offset);
CREATE INDEX letter_saga ON letter (saga);

-- States are of another form than before: all is read from the log again.
DELETE FROM meta WHERE key = 'cluster';

-- +goose Down
DROP TABLE letter;
