-- +goose Up
CREATE TABLE straggler (order_id BIGINT NOT NULL, why VARCHAR(16) NOT NULL, due BIGINT NOT NULL, PRIMARY KEY (order_id, why));
CREATE INDEX straggler_by_due ON straggler (why, due);
CREATE TABLE watch (id INT NOT NULL, owner VARCHAR(128) NOT NULL, epoch BIGINT NOT NULL, until BIGINT NOT NULL, walked BIGINT NOT NULL, PRIMARY KEY (id));
INSERT INTO watch (id, owner, epoch, until, walked) VALUES (1, '', 0, 0, 0);

-- What the tests wait for: a row waits while answered is 0.
CREATE TABLE question (id BIGINT NOT NULL, asked_at BIGINT NOT NULL, answered INT NOT NULL, PRIMARY KEY (id));

-- +goose Down
DROP TABLE question;
DROP TABLE watch;
DROP TABLE straggler;
