// Package idempotency runs an effect once per key.
package idempotency

import (
	"context"
	"errors"

	"souk.example/pkg/database"
)

// Request identifies a request.
type Request struct {
	UserID      int64
	Route, Key  string
	Fingerprint [32]byte
}

// Do runs effect once.
func Do[R any](ctx context.Context, db *database.DB, req Request, effect func(ctx context.Context, tx *database.Tx) (R, error)) (resp R, replayed bool, err error) {
	return resp, false, errors.New("not built")
}

// Fingerprint of a request.
func Fingerprint(v any) [32]byte { return [32]byte{} }

// Migrations is the schema.
func Migrations() database.Migrations { return database.Migrations{} }
