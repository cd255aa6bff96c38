-- +goose Up
-- What the provider knows the card by: sent with order.payment_due, also when
-- that is sent again, and shown nowhere. Empty but for cards.
ALTER TABLE orders ADD COLUMN payment_token VARCHAR(255) NOT NULL DEFAULT '';

-- A capture that came after the order was cancelled: its refund.
ALTER TABLE orders ADD COLUMN refund_requested_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN refunded_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE orders DROP COLUMN refunded_at;
ALTER TABLE orders DROP COLUMN refund_requested_at;
ALTER TABLE orders DROP COLUMN payment_token;
