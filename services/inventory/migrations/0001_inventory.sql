-- +goose Up
-- What is sold. search is the lower case of sku and name, so that every
-- database finds the same. Times are UTC microseconds, prices minor units.
CREATE TABLE product (
  sku VARCHAR(64) NOT NULL,
  name VARCHAR(200) NOT NULL,
  description VARCHAR(4000) NOT NULL,
  price BIGINT NOT NULL,
  currency VARCHAR(3) NOT NULL,
  image_url VARCHAR(1000) NOT NULL,
  search VARCHAR(300) NOT NULL,
  version BIGINT NOT NULL,
  withdrawn INT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (sku)
);

-- Units by where they are: available + reserved + sold = initial + adjusted,
-- and none of the first three is below 0.
CREATE TABLE stock (
  sku VARCHAR(64) NOT NULL,
  available BIGINT NOT NULL,
  reserved BIGINT NOT NULL,
  sold BIGINT NOT NULL,
  initial BIGINT NOT NULL,
  adjusted BIGINT NOT NULL,
  PRIMARY KEY (sku)
);

-- Why stock is what it is: one row per transaction, SKU and cause. The sums of
-- the d_ columns of a SKU are its row of stock.
CREATE TABLE stock_ledger (
  batch_id BIGINT NOT NULL /*T![clustered_index] NONCLUSTERED */,
  sku VARCHAR(64) NOT NULL,
  cause VARCHAR(16) NOT NULL,
  d_available BIGINT NOT NULL,
  d_reserved BIGINT NOT NULL,
  d_sold BIGINT NOT NULL,
  d_initial BIGINT NOT NULL,
  d_adjusted BIGINT NOT NULL,
  note VARCHAR(200) NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (batch_id, sku, cause)
) /*T! SHARD_ROW_ID_BITS=4 */;

-- One decision per order, for ever. items is a JSON array of {sku, quantity};
-- a release that came before its reserve has none.
CREATE TABLE reservation (
  order_id BIGINT NOT NULL /*T![clustered_index] NONCLUSTERED */,
  status VARCHAR(12) NOT NULL,
  items BLOB NOT NULL,
  reason VARCHAR(32) NOT NULL,
  refused_sku VARCHAR(64) NOT NULL,
  version INT NOT NULL,
  at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (order_id)
) /*T! SHARD_ROW_ID_BITS=4 */;

-- +goose Down
DROP TABLE reservation;
DROP TABLE stock_ledger;
DROP TABLE stock;
DROP TABLE product;
