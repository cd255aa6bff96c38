-- +goose Up
-- One row: who watches over orders that wait, for their deadline or for another
-- service's word, until when, and the last order walked past. It takes the
-- place of deadline_watch, whose walk lists deadlines only and which stays for
-- programs of the version before: so every order is walked past once more.
CREATE TABLE watch (
  id INT NOT NULL,
  owner VARCHAR(128) NOT NULL,
  epoch BIGINT NOT NULL,
  until BIGINT NOT NULL,
  walked BIGINT NOT NULL,
  PRIMARY KEY (id)
);

INSERT INTO watch (id, owner, epoch, until, walked) VALUES (1, '', 0, 0, 0);

-- +goose Down
DROP TABLE watch;
