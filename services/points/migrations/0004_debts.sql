-- +goose Up
-- Few owe points. Whoever rewards orders asks which of their users do.
CREATE INDEX points_account_by_debt ON points_account (debt);

-- +goose Down
-- The index stays, and does no harm: no one statement drops it everywhere.
