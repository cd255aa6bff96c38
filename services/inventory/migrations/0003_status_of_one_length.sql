-- +goose Up
-- As with orders: a status that is as long each time lets the row be updated
-- where it stands. In a comment, which SQLite does not read: it knows no lengths.
/*! ALTER TABLE reservation MODIFY status CHAR(12) NOT NULL */;

-- +goose Down
/*! ALTER TABLE reservation MODIFY status VARCHAR(12) NOT NULL */;
