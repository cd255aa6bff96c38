-- +goose Up
-- What was decided about the points that each order uses: FROZEN, CONFIRMED,
-- CANCELLED or REFUSED. Refusals stay, and so does CANCELLED with amount 0, a
-- cancel that came before anything was frozen. Times are UTC microseconds.
CREATE TABLE points_freeze (
  order_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  status VARCHAR(12) NOT NULL,
  at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (order_id)
);

-- +goose Down
DROP TABLE points_freeze;
