-- +goose Up
-- One row per order, whatever was decided: captured, refused, or voided before
-- anything was asked for. Amounts are minor units of the row's currency, times
-- are UTC microseconds. A voided order's row knows no amount and no currency.
CREATE TABLE payment (
  order_id BIGINT NOT NULL /*T![clustered_index] NONCLUSTERED */,
  user_id BIGINT NOT NULL,
  status VARCHAR(12) NOT NULL,
  method VARCHAR(16) NOT NULL,
  amount BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  captured BIGINT NOT NULL,
  refunded BIGINT NOT NULL,
  provider_ref VARCHAR(64) NOT NULL,
  reason VARCHAR(32) NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (order_id)
) /*T! SHARD_ROW_ID_BITS=4 */;

CREATE TABLE wallet (
  user_id BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  balance BIGINT NOT NULL,
  PRIMARY KEY (user_id, currency)
);

-- Append-only double entry. A row moves amount from one account to another, so
-- it balances by construction; the cause makes each movement happen once. The
-- balance of wallet W is what wallet:W was credited less what it was debited.
CREATE TABLE ledger_entry (
  cause VARCHAR(64) NOT NULL,
  debit_account VARCHAR(40) NOT NULL,
  credit_account VARCHAR(40) NOT NULL,
  amount BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (cause)
);

-- +goose Down
DROP TABLE ledger_entry;
DROP TABLE wallet;
DROP TABLE payment;
