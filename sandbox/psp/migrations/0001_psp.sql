-- +goose Up
-- A charge per idempotency key. Amounts are minor units, times UTC microseconds.
-- due_at is when a processing charge succeeds; token is a magic word, no card.
CREATE TABLE charge (
  id VARCHAR(32) NOT NULL,
  idem_key VARCHAR(255) NOT NULL,
  reference VARCHAR(64) NOT NULL,
  token VARCHAR(255) NOT NULL,
  amount BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  status VARCHAR(12) NOT NULL,
  failure_code VARCHAR(32) NOT NULL,
  refunded BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (idem_key)
);

CREATE INDEX charge_by_reference ON charge (reference);
CREATE INDEX charge_due ON charge (status, due_at);

CREATE TABLE refund (
  id VARCHAR(32) NOT NULL,
  idem_key VARCHAR(255) NOT NULL,
  charge_id VARCHAR(32) NOT NULL,
  reference VARCHAR(64) NOT NULL,
  amount BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (idem_key)
);

-- Webhooks that are still to be delivered; body is what is signed and sent.
CREATE TABLE webhook (
  id VARCHAR(32) NOT NULL,
  body BLOB NOT NULL,
  attempts INT NOT NULL,
  due_at BIGINT NOT NULL,
  PRIMARY KEY (id)
);

CREATE INDEX webhook_due ON webhook (due_at);

-- +goose Down
DROP TABLE webhook;
DROP TABLE refund;
DROP TABLE charge;
