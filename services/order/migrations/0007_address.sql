-- +goose Up
-- Where an order goes: the id of an address in the user service, 0 for none. What
-- the address says is kept there alone, where it can be erased.
ALTER TABLE orders ADD COLUMN address_id BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE orders DROP COLUMN address_id;
