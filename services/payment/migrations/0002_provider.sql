-- +goose Up
-- The order was cancelled after the provider had been asked: its word is
-- recorded all the same, and order asks for the money back if it took any.
ALTER TABLE payment ADD COLUMN cancel_requested SMALLINT NOT NULL DEFAULT 0;

-- One row per refund. Its amount stands in payment.refunded from the moment the
-- row is there, whether or not the money has gone back yet.
CREATE TABLE refund (
  refund_id VARCHAR(64) NOT NULL,
  order_id BIGINT NOT NULL,
  status VARCHAR(12) NOT NULL,
  amount BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  provider_ref VARCHAR(64) NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (refund_id)
);

CREATE INDEX refund_by_order ON refund (order_id);

-- What the provider must be told: a row for each payment and each refund whose
-- outcome is open, and none for any other, so the table stays as small as the
-- work. call_key is the provider's idempotency key: the order's or the refund's
-- id. instrument is the card's token, or the charge to give back. due_at is
-- when the call may be made, by the database's clock: while owner makes it,
-- when the lease ends.
CREATE TABLE provider_call (
  call_key VARCHAR(64) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  order_id BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  instrument VARCHAR(255) NOT NULL,
  attempts INT NOT NULL,
  owner VARCHAR(64) NOT NULL,
  due_at BIGINT NOT NULL,
  PRIMARY KEY (call_key)
);

CREATE INDEX provider_call_due ON provider_call (due_at);

-- How far the provider's list has been compared with ours, and who compares it.
CREATE TABLE reconciliation (
  list VARCHAR(16) NOT NULL,
  watermark VARCHAR(64) NOT NULL,
  owner VARCHAR(64) NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (list)
);

INSERT INTO reconciliation (list, watermark, owner, until) VALUES ('charges', '', '', 0);

-- +goose Down
DROP TABLE reconciliation;
DROP TABLE provider_call;
DROP TABLE refund;
ALTER TABLE payment DROP COLUMN cancel_requested;
