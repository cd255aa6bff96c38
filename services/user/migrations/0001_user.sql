-- +goose Up
-- Everything personal stands in this table and in address. Times are UTC microseconds.
CREATE TABLE users (
  id BIGINT NOT NULL,
  email VARCHAR(254) NOT NULL,
  name VARCHAR(400) NOT NULL,
  role VARCHAR(16) NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (email)
);

-- A session is one login and the family of refresh tokens that came of it. It
-- exists as long as it may be refreshed: logout deletes it.
CREATE TABLE session (
  id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  refreshed_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (id)
);

CREATE INDEX session_by_user ON session (user_id, id);

-- Every refresh token of a live session, by the hex SHA-256 of the token; the
-- used ones stay, so that their reuse is noticed. used_at 0 is the live one.
CREATE TABLE refresh_token (
  token_hash VARCHAR(64) NOT NULL,
  session_id BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  PRIMARY KEY (token_hash)
);

CREATE INDEX refresh_token_by_session ON refresh_token (session_id);

-- +goose Down
DROP TABLE refresh_token;
DROP TABLE session;
DROP TABLE users;
