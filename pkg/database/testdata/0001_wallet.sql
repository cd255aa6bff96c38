-- +goose Up
CREATE TABLE wallet (
    user_id BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    PRIMARY KEY (user_id)
);

-- +goose Down
DROP TABLE wallet;
