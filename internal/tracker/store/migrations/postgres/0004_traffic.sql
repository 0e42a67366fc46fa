-- +goose Up

-- Events on their ways, by the minute and by the hour: span and since are in seconds, the rest only the tracker can read. seq is the last
-- sequence number of the transaction that wrote the row.
CREATE TABLE traffic (
    span  BIGINT NOT NULL,
    since BIGINT NOT NULL,
    way   BYTEA NOT NULL,
    tally BYTEA NOT NULL,
    seq   BIGINT NOT NULL,
    PRIMARY KEY (span, since, way)
);

-- The offset behind the last record of a partition that isn't a mark of a transaction, 0 if none was read.
ALTER TABLE position ADD COLUMN data BIGINT NOT NULL DEFAULT 0;

-- What was read before isn't counted: all is read from the log again.
DELETE FROM meta WHERE key = 'cluster';

-- +goose Down
ALTER TABLE position DROP COLUMN data;
DROP TABLE traffic;
