-- +goose Up
CREATE TABLE idempotency (
    user_id     BIGINT       NOT NULL,
    route       VARCHAR(128) NOT NULL,
    k           VARCHAR(255) NOT NULL,
    fingerprint BLOB         NOT NULL,
    response    LONGBLOB     NOT NULL,
    at          BIGINT       NOT NULL,
    PRIMARY KEY (user_id, route, k)
);

-- +goose Down
DROP TABLE idempotency;
