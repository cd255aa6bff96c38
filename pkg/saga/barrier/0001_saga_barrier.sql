-- +goose Up
-- The ops that were carried out here, and the actions that never may be any
-- more: those stand with inserted_by = 'compensation'.
CREATE TABLE saga_barrier (
    saga_id VARCHAR(64) NOT NULL,
    step VARCHAR(64) NOT NULL,
    op VARCHAR(16) NOT NULL,
    inserted_by VARCHAR(16) NOT NULL,
    PRIMARY KEY (saga_id, step, op)
);

-- +goose Down
DROP TABLE saga_barrier;
