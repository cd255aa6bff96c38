-- +goose Up
-- Its one row counts the changes of price, in the transactions that make them: who
-- remembers prices sees by it whether they still hold.
CREATE TABLE price_revision (
  id INTEGER NOT NULL,
  revision BIGINT NOT NULL,
  PRIMARY KEY (id)
);

INSERT INTO price_revision (id, revision) VALUES (1, 0);

-- +goose Down
DROP TABLE price_revision;
