-- +goose Up
CREATE TABLE segment (
    name     VARCHAR(128) NOT NULL,
    next_id  BIGINT       NOT NULL,
    PRIMARY KEY (name)
);

-- +goose Down
DROP TABLE segment;
