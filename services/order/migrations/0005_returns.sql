-- +goose Up
-- A return: when the owner asked for it, when inventory and points were asked
-- for their parts (payment: refund_requested_at), and when it was finished. How
-- far it has come, and the owner's reason, stand in saga.
ALTER TABLE orders ADD COLUMN return_requested_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN restock_requested_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN reversal_requested_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE orders ADD COLUMN returned_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE orders DROP COLUMN returned_at;
ALTER TABLE orders DROP COLUMN reversal_requested_at;
ALTER TABLE orders DROP COLUMN restock_requested_at;
ALTER TABLE orders DROP COLUMN return_requested_at;
