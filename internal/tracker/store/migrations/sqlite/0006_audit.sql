-- +goose Up

-- What people and programs asked the console to do. It isn't made of the log, so nothing but age and number takes it away.
-- asked_at is in Unix nanoseconds.
CREATE TABLE audit (
    n            INTEGER PRIMARY KEY AUTOINCREMENT,
    asked_at     INTEGER NOT NULL,
    who          TEXT NOT NULL,
    who_role     TEXT NOT NULL,
    from_address TEXT NOT NULL,
    action       TEXT NOT NULL,
    about        TEXT NOT NULL,
    input        TEXT NOT NULL,
    status       INTEGER NOT NULL,
    answer       TEXT NOT NULL
);

CREATE INDEX audit_asked_at ON audit (asked_at);

-- +goose Down
DROP TABLE audit;
