-- +goose Up
-- Orders whose money was taken although they are cancelled, until order has
-- asked for it back; due is when it is told again. UTC microseconds of the
-- database's clock.
CREATE TABLE straggler (
  order_id BIGINT NOT NULL,
  why VARCHAR(16) NOT NULL,
  due BIGINT NOT NULL,
  PRIMARY KEY (order_id, why)
);

CREATE INDEX straggler_by_due ON straggler (why, due);

-- One row: who watches over them, and until when. Nothing is walked here.
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
