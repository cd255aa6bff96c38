-- +goose Up
-- How far each group has come: the offset of the next record to apply, per
-- partition. Written in the transaction that applies the records; never lowered.
CREATE TABLE consumer_progress (
    grp VARCHAR(64) NOT NULL,
    topic VARCHAR(249) NOT NULL,
    part INT NOT NULL,
    next_offset BIGINT NOT NULL,
    PRIMARY KEY (grp, topic, part)
);

-- Keys whose events wait in dead_letter, because one of them cannot be applied.
CREATE TABLE parked_key (
    grp VARCHAR(64) NOT NULL,
    k VARCHAR(255) NOT NULL,
    PRIMARY KEY (grp, k)
);

-- Events that wait, in the order of (topic, part, log_offset, pos) within a key.
-- payload is the event as a pack of its own, or, when error_class is
-- 'undecodable', the whole record as it came, with no key. At most one event of
-- a key has a time at which it is due: the others wait for it. copied is 1 once
-- a dead one stands on the dead letter topic. Times are UTC microseconds.
CREATE TABLE dead_letter (
    id BIGINT NOT NULL,
    grp VARCHAR(64) NOT NULL,
    topic VARCHAR(249) NOT NULL,
    part INT NOT NULL,
    log_offset BIGINT NOT NULL,
    pos INT NOT NULL,
    k VARCHAR(255) NOT NULL,
    event_source VARCHAR(64) NOT NULL,
    event_id VARCHAR(255) NOT NULL,
    event_type VARCHAR(255) NOT NULL,
    payload LONGBLOB NOT NULL,
    error_class VARCHAR(32) NOT NULL,
    error VARCHAR(1024) NOT NULL,
    attempts INT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    status VARCHAR(16) NOT NULL,
    resolved_by VARCHAR(255) NOT NULL,
    copied SMALLINT NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (grp, event_source, event_id)
);

CREATE INDEX dead_letter_key ON dead_letter (grp, k);

CREATE INDEX dead_letter_due ON dead_letter (grp, status, next_attempt_at);

-- +goose Down
DROP TABLE dead_letter;

DROP TABLE parked_key;

DROP TABLE consumer_progress;
