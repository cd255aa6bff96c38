-- +goose Up
-- frozen is promised to open orders; debt is taken from later earnings.
CREATE TABLE points_account (
  user_id BIGINT NOT NULL,
  balance BIGINT NOT NULL,
  frozen BIGINT NOT NULL,
  debt BIGINT NOT NULL,
  PRIMARY KEY (user_id)
);

-- Append-only: what each rule gave for an order, also when that was nothing.
-- A user's balance is the sum of the amounts. Times are UTC microseconds.
CREATE TABLE points_entry (
  order_id BIGINT NOT NULL,
  rule VARCHAR(32) NOT NULL,
  cause_id VARCHAR(32) NOT NULL,
  user_id BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (order_id, rule, cause_id)
);

CREATE INDEX points_entry_by_user ON points_entry (user_id, order_id);

-- +goose Down
DROP TABLE points_entry;
DROP TABLE points_account;
