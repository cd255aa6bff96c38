-- +goose Up
-- Where users have things sent: the addresses and telephone numbers of souk are
-- in this table alone, so that deleting a user's rows erases them. Changes of
-- one user's rows lock the user's row first. Times are UTC microseconds.
CREATE TABLE address (
  id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  recipient VARCHAR(100) NOT NULL,
  phone VARCHAR(32) NOT NULL,
  line1 VARCHAR(200) NOT NULL,
  line2 VARCHAR(200) NOT NULL,
  city VARCHAR(100) NOT NULL,
  region VARCHAR(100) NOT NULL,
  postal_code VARCHAR(16) NOT NULL,
  country VARCHAR(2) NOT NULL,
  is_default SMALLINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (id)
);

CREATE INDEX address_by_user ON address (user_id, id);

-- +goose Down
DROP TABLE address;
