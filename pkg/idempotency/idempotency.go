// Package idempotency applies the effect of a request once per user, route and
// key, however often and however concurrently the request comes.
//
// The key's row and the effect stand or fall in one transaction, so there is
// no moment at which one exists without the other, and no lock to expire.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"souk.example/pkg/apperr"
	"souk.example/pkg/database"
)

// Codes of the errors that Do makes itself.
const (
	CodeKeyReused = "idempotency_key_reused"
	CodeInFlight  = "idempotency_in_flight"
)

const (
	// waitForFirst bounds the wait for another request with the same key. It is
	// well below a request's own deadline, which would answer first otherwise.
	waitForFirst = 5 * time.Second
	// commitAttempts bounds the repeats after a commit whose outcome was lost.
	commitAttempts = 3
)

// Request names what must happen once, and what was asked for.
type Request struct {
	UserID      int64
	Route, Key  string // at most 128 and 255 bytes
	Fingerprint [32]byte
}

// Fingerprint is a digest of v's JSON, which must not fail to encode: give it
// the request's body as it was bound, so that spelling does not matter.
func Fingerprint(v any) [32]byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("idempotency: fingerprint of %T: %v", v, err))
	}
	return sha256.Sum256(text)
}

// Do runs effect in a transaction and stores its answer, as JSON, under req.
// When req was answered before, it returns that answer with replayed true and
// runs nothing. effect may run several times, as any function given to
// database.DB.InTx, but stands once. Its error is returned as it is and leaves
// no row, so the request may be repeated with the same key.
//
// Concurrent requests with one key wait for the first and get its answer; when
// that takes too long they fail with a Conflict, CodeInFlight. A known key
// with another fingerprint is an Unprocessable, CodeKeyReused.
func Do[R any](ctx context.Context, db *database.DB, req Request, effect func(ctx context.Context, tx *database.Tx) (R, error)) (resp R, replayed bool, err error) {
	for range commitAttempts {
		resp, replayed, err = once(ctx, db, req, effect)
		if !errors.Is(err, database.ErrCommitUnknown) {
			break // else the row tells: it is there, or the effect is not
		}
	}
	if err != nil {
		var none R
		return none, false, err
	}
	return resp, replayed, nil
}

func once[R any](ctx context.Context, db *database.DB, req Request, effect func(ctx context.Context, tx *database.Tx) (R, error)) (resp R, replayed bool, err error) {
	until := time.Now().Add(waitForFirst) // over all runs: the database gives up waiting for a lock, too, and has us run again
	err = db.InTx(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		err = claim(ctx, tx, req, until)
		if replayed = errors.Is(err, database.ErrDuplicate); replayed {
			resp, err = replay[R](ctx, tx, req)
			return err
		}
		if err != nil {
			return err
		}
		if resp, err = effect(ctx, tx); err != nil {
			return err
		}
		return answer(ctx, tx, req, resp)
	})
	return resp, replayed, err
}

// claim adds the key's row. While another transaction that has added it is
// open, MySQL's INSERT waits for that one's end; SQLite's transactions do not
// overlap in the first place.
func claim(ctx context.Context, tx *database.Tx, req Request, until time.Time) error {
	waiting, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	err := tx.Insert(waiting, "idempotency", []string{"user_id", "route", "k", "fingerprint", "response", "at"},
		[][]any{{req.UserID, req.Route, req.Key, req.Fingerprint[:], []byte{}, database.Micros(time.Now())}})
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return apperr.New(apperr.Conflict, CodeInFlight, "a request with this Idempotency-Key is still being worked on").
			WithRetryAfter(time.Second)
	}
	return err
}

// replay reads the answer that was stored under req.
func replay[R any](ctx context.Context, tx *database.Tx, req Request) (resp R, err error) {
	var fingerprint, response []byte
	err = tx.QueryRow(ctx, "SELECT fingerprint, response FROM idempotency WHERE user_id = ? AND route = ? AND k = ?",
		req.UserID, req.Route, req.Key).Scan(&fingerprint, &response)
	if err != nil {
		return resp, fmt.Errorf("read the stored answer: %w", err)
	}
	if [32]byte(fingerprint) != req.Fingerprint {
		return resp, apperr.New(apperr.Unprocessable, CodeKeyReused, "this Idempotency-Key was used for another request")
	}
	if err := json.Unmarshal(response, &resp); err != nil {
		return resp, fmt.Errorf("decode the stored answer: %w", err)
	}
	return resp, nil
}

func answer(ctx context.Context, tx *database.Tx, req Request, resp any) error {
	text, err := json.Marshal(resp)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	_, err = tx.Exec(ctx, "UPDATE idempotency SET response = ? WHERE user_id = ? AND route = ? AND k = ?",
		text, req.UserID, req.Route, req.Key)
	return err
}
