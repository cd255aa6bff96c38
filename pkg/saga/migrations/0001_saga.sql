-- +goose Up
-- Where each saga stands: the step and op in hand, how often that was
-- attempted, and when to look at it again; due 0 is at once. last_error says
-- why the saga is where it is. Times are UTC microseconds.
CREATE TABLE saga (
    id VARCHAR(64) NOT NULL,
    type VARCHAR(64) NOT NULL,
    step VARCHAR(64) NOT NULL,
    op VARCHAR(16) NOT NULL,
    status VARCHAR(16) NOT NULL,
    version BIGINT NOT NULL,
    due BIGINT NOT NULL,
    attempts INT NOT NULL,
    last_error VARCHAR(1024) NOT NULL,
    data LONGBLOB NOT NULL,
    started_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX saga_due ON saga (status, type, due);

-- What became of each op that was begun, numbered in that order from 0: clocks
-- of replicas differ. ended_at is 0 while it waits.
CREATE TABLE saga_step (
    saga_id VARCHAR(64) NOT NULL,
    step VARCHAR(64) NOT NULL,
    op VARCHAR(16) NOT NULL,
    seq INT NOT NULL,
    status VARCHAR(16) NOT NULL,
    error VARCHAR(1024) NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    PRIMARY KEY (saga_id, step, op)
);

-- +goose Down
DROP TABLE saga_step;

DROP TABLE saga;
