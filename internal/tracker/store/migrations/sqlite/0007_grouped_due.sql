-- +goose Up

-- With the deadline in it, a count of what is late in a group doesn't look up its sagas.
DROP INDEX saga_grouped;
CREATE INDEX saga_grouped ON saga (in_group, started, n, due);

-- +goose Down
DROP INDEX saga_grouped;
CREATE INDEX saga_grouped ON saga (in_group, started, n);
