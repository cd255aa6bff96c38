-- +goose Up
-- An order's status changes three times on its way, and is as long each time:
-- a row whose columns keep their lengths is updated where it stands, for half of
-- what it costs to take it out and put it back. In a comment, which SQLite does
-- not read: it knows no lengths.
/*! ALTER TABLE orders MODIFY status CHAR(12) NOT NULL */;

-- +goose Down
/*! ALTER TABLE orders MODIFY status VARCHAR(12) NOT NULL */;
