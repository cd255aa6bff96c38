-- +goose Up
-- When order decides at the latest: who has points frozen for longer asks what was decided.
-- 0 for tombstones, and for what was decided before this column was.
ALTER TABLE points_freeze ADD COLUMN deadline BIGINT NOT NULL DEFAULT 0;

-- Freezes that wait for something beyond the place that the walk along the
-- primary key has come to; due is when they have waited long enough. Times are
-- UTC microseconds of the database's clock.
CREATE TABLE straggler (
  order_id BIGINT NOT NULL,
  why VARCHAR(16) NOT NULL,
  due BIGINT NOT NULL,
  PRIMARY KEY (order_id, why)
);

CREATE INDEX straggler_by_due ON straggler (why, due);

-- One row: who watches over freezes, until when, and the last order walked past.
CREATE TABLE watch (
  id INT NOT NULL,
  owner VARCHAR(128) NOT NULL,
  epoch BIGINT NOT NULL,
  until BIGINT NOT NULL,
  walked BIGINT NOT NULL,
  PRIMARY KEY (id)
);

INSERT INTO watch (id, owner, epoch, until, walked) VALUES (1, '', 0, 0, 0);

-- +goose Down
DROP TABLE watch;
DROP TABLE straggler;
ALTER TABLE points_freeze DROP COLUMN deadline;
