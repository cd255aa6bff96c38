-- +goose Up
CREATE TABLE worker_lease (
    worker     INT          NOT NULL,
    owner      VARCHAR(128) NOT NULL,
    epoch      BIGINT       NOT NULL,
    until      BIGINT       NOT NULL,
    high_water BIGINT       NOT NULL,
    PRIMARY KEY (worker)
);

-- +goose Down
DROP TABLE worker_lease;
