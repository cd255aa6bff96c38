-- +goose Up
-- Whom an administrator has shut out, and why. Times are UTC microseconds.
CREATE TABLE block (
  subject VARCHAR(64) NOT NULL,
  reason VARCHAR(200) NOT NULL,
  blocked_by BIGINT NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (subject)
);

-- Its one row counts the changes of the list, and is locked by each of them.
CREATE TABLE block_revision (
  id INTEGER NOT NULL,
  revision BIGINT NOT NULL,
  PRIMARY KEY (id)
);

INSERT INTO block_revision (id, revision) VALUES (1, 0);

-- +goose Down
DROP TABLE block_revision;
DROP TABLE block;
