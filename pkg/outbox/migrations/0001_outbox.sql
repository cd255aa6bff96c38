-- +goose Up
CREATE TABLE event_log (
    id      BIGINT       NOT NULL,
    topic   VARCHAR(128) NOT NULL,
    part    INT          NOT NULL,
    n       INT          NOT NULL,
    at      BIGINT       NOT NULL,
    payload LONGBLOB     NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE outbox (
    topic VARCHAR(128) NOT NULL,
    part  INT          NOT NULL,
    id    BIGINT       NOT NULL,
    PRIMARY KEY (topic, part, id)
);

CREATE TABLE relay_lease (
    topic VARCHAR(128) NOT NULL,
    part  INT          NOT NULL,
    owner VARCHAR(128) NOT NULL,
    epoch BIGINT       NOT NULL,
    until BIGINT       NOT NULL,
    PRIMARY KEY (topic, part)
);

-- +goose Down
DROP TABLE relay_lease;
DROP TABLE outbox;
DROP TABLE event_log;
