-- +goose Up
-- The walk now also lists orders that wait for another service's word: it goes
-- once more past those that it passed when it listed deadlines only.
UPDATE deadline_watch SET walked = 0;

-- +goose Down
UPDATE deadline_watch SET walked = 0;
