-- +goose Up
-- One row per order; items is one immutable column, not a row per line.
-- A time that is 0 has not come. Times are UTC microseconds.
CREATE TABLE orders (
  id BIGINT NOT NULL /*T![clustered_index] NONCLUSTERED */,
  user_id BIGINT NOT NULL,
  idem_key VARCHAR(255) NOT NULL,
  fingerprint BLOB NOT NULL,
  status VARCHAR(12) NOT NULL,
  version INT NOT NULL,
  facts INT NOT NULL,
  items BLOB NOT NULL,
  total BIGINT NOT NULL,
  payable BIGINT NOT NULL,
  points_used BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  payment_method VARCHAR(16) NOT NULL,
  reason VARCHAR(32) NOT NULL,
  created_at BIGINT NOT NULL,
  deadline BIGINT NOT NULL,
  reserved_at BIGINT NOT NULL,
  paid_at BIGINT NOT NULL,
  completed_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (user_id, idem_key)
) /*T! SHARD_ROW_ID_BITS=4 */;

CREATE INDEX orders_by_user ON orders (user_id, id);

-- The price projection: what inventory last said of each product.
CREATE TABLE price (
  sku VARCHAR(64) NOT NULL,
  version BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  withdrawn INT NOT NULL,
  PRIMARY KEY (sku)
);

-- One row once inventory's whole catalogue has been read into price: any number
-- of prices that came as events says nothing about the others.
CREATE TABLE price_snapshot (
  id INT NOT NULL,
  taken_at BIGINT NOT NULL,
  PRIMARY KEY (id)
);

-- +goose Down
DROP TABLE price_snapshot;
DROP TABLE price;
DROP TABLE orders;
