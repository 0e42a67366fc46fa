-- +goose Up

-- Who may write, and until when, in Unix milliseconds of the database's clock. One row.
CREATE TABLE lease (
    holder     TEXT NOT NULL,
    held_until INTEGER NOT NULL
);
INSERT INTO lease (holder, held_until) VALUES ('', 0);

-- Unix nanoseconds, 0 while the saga isn't over. What was stored before doesn't say, so all is read from the log again.
ALTER TABLE saga ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;
CREATE INDEX saga_ended ON saga (ended) WHERE ended > 0;
DELETE FROM meta WHERE key = 'cluster';

-- +goose Down
DROP INDEX saga_ended;
ALTER TABLE saga DROP COLUMN ended;
DROP TABLE lease;
