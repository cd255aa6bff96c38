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

-- Who takes part in relaying a topic, so that each can tell its share.
CREATE TABLE relay_member (
    topic VARCHAR(128) NOT NULL,
    owner VARCHAR(128) NOT NULL,
    until BIGINT       NOT NULL,
    PRIMARY KEY (topic, owner)
);

-- +goose Down
DROP TABLE relay_member;
DROP TABLE relay_lease;
DROP TABLE outbox;
DROP TABLE event_log;
