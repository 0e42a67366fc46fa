-- +goose Up

-- With the deadline in it, a count of what is late in a group doesn't look up its sagas.
CREATE INDEX saga_grouped_due ON saga (in_group, started, n) INCLUDE (due);
DROP INDEX saga_grouped;
ALTER INDEX saga_grouped_due RENAME TO saga_grouped;

-- +goose Down
DROP INDEX saga_grouped;
CREATE INDEX saga_grouped ON saga (in_group, started, n);
