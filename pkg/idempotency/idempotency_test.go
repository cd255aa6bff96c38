package idempotency_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/apperr"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idempotency"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const schema = "-- +goose Up\nCREATE TABLE effect (id BIGINT NOT NULL, PRIMARY KEY (id));\n-- +goose Down\nDROP TABLE effect;\n"

type reply struct {
	ID   int64  `json:"id"`
	Note string `json:"note"`
}

func open(t *testing.T) *database.DB {
	t.Helper()
	return databasetest.Open(t, idempotency.Migrations(),
		database.Migrations{Name: "effect", FS: fstest.MapFS{"0001_effect.sql": {Data: []byte(schema)}}})
}

// insert is an effect that leaves a row.
func insert(id int64) func(context.Context, *database.Tx) (reply, error) {
	return func(ctx context.Context, tx *database.Tx) (reply, error) {
		_, err := tx.Exec(ctx, "INSERT INTO effect (id) VALUES (?)", id)
		return reply{ID: id, Note: "☃"}, err
	}
}

func effects(t *testing.T, db *database.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM effect").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func request(key, body string) idempotency.Request {
	return idempotency.Request{UserID: 7, Route: "POST /v1/things", Key: key, Fingerprint: idempotency.Fingerprint(body)}
}

func TestFiftyAtOnceAreOneEffect(t *testing.T) {
	db := open(t)
	replies := make([]reply, 50)
	firsts := make(chan int, len(replies))
	var wg sync.WaitGroup
	for i := range replies {
		wg.Go(func() {
			resp, replayed, err := idempotency.Do(t.Context(), db, request("k", "body"), insert(int64(i)))
			if err != nil {
				t.Error(err)
			}
			if !replayed {
				firsts <- i
			}
			replies[i] = resp
		})
	}
	wg.Wait()
	if len(firsts) != 1 || effects(t, db) != 1 {
		t.Fatalf("%d ran the effect and %d effects stand, want 1", len(firsts), effects(t, db))
	}
	first := <-firsts
	for _, got := range replies {
		if got != (reply{ID: int64(first), Note: "☃"}) {
			t.Errorf("a reply %+v, the first is %d", got, first)
		}
	}
}

func TestScopeIsUserRouteAndKey(t *testing.T) {
	db := open(t)
	base := request("k", "body")
	user, route, key := base, base, base
	user.UserID, route.Route, key.Key = 8, "POST /v1/others", "K"
	for i, req := range []idempotency.Request{base, user, route, key} {
		if _, replayed, err := idempotency.Do(t.Context(), db, req, insert(int64(i))); err != nil || replayed {
			t.Errorf("Do(%+v) = replayed %v, %v", req, replayed, err)
		}
	}
}

func TestAnotherBodyIsRefused(t *testing.T) {
	db := open(t)
	if _, _, err := idempotency.Do(t.Context(), db, request("k", "body"), insert(1)); err != nil {
		t.Fatal(err)
	}
	_, _, err := idempotency.Do(t.Context(), db, request("k", "another"), insert(2))
	if e := apperr.From(err); e.Kind != apperr.Unprocessable || e.Code != idempotency.CodeKeyReused || effects(t, db) != 1 {
		t.Errorf("Do() of another body = %v with %d effects", err, effects(t, db))
	}
}

func TestRefusalLeavesNoRow(t *testing.T) {
	db, refusal := open(t), apperr.New(apperr.Conflict, "no_money", "not enough money")
	_, _, err := idempotency.Do(t.Context(), db, request("k", "body"), func(ctx context.Context, tx *database.Tx) (reply, error) {
		_, _ = insert(1)(ctx, tx)
		return reply{}, refusal
	})
	if !errors.Is(err, refusal) || effects(t, db) != 0 {
		t.Errorf("Do() = %v with %d effects", err, effects(t, db))
	}
	// Even another body may use the key now.
	if _, replayed, err := idempotency.Do(t.Context(), db, request("k", "another"), insert(2)); err != nil || replayed {
		t.Errorf("Do() after a refusal = replayed %v, %v", replayed, err)
	}
}

// Requests that wait for a first one which then fails must not fail with it:
// one of them becomes the first.
func TestWaitersOutliveAFailedFirst(t *testing.T) {
	db := open(t)
	begun, fail := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _, err := idempotency.Do(t.Context(), db, request("k", "body"), func(context.Context, *database.Tx) (reply, error) {
			close(begun)
			<-fail
			return reply{}, errors.New("refused")
		})
		if err == nil {
			t.Error("the first succeeded")
		}
	})
	<-begun
	started := make(chan struct{}, 10)
	for i := range 10 {
		wg.Go(func() {
			started <- struct{}{}
			if _, _, err := idempotency.Do(t.Context(), db, request("k", "body"), insert(int64(i))); err != nil {
				t.Error(err)
			}
		})
	}
	for range 10 {
		<-started
	}
	close(fail)
	wg.Wait()
	if n := effects(t, db); n != 1 {
		t.Errorf("%d effects, want 1", n)
	}
}

// Only MySQL's INSERT waits for the very key; it takes five seconds.
// The callers' deadline is the one a server gives its requests.
func TestEndlessFirstIsInFlight(t *testing.T) {
	db := open(t)
	if db.Dialect() != database.MySQL || testing.Short() {
		t.Skip("needs " + databasetest.DSNVariable + " and time")
	}
	begun, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _, err := idempotency.Do(t.Context(), db, request("k", "body"), func(ctx context.Context, tx *database.Tx) (reply, error) {
			close(begun)
			<-end
			return insert(1)(ctx, tx)
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	asRequest, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, _, err := idempotency.Do(asRequest, db, request("k", "body"), insert(2))
	if e := apperr.From(err); e.Kind != apperr.Conflict || e.Code != idempotency.CodeInFlight || e.RetryAfter == 0 {
		t.Errorf("Do() = %v, want %s", err, idempotency.CodeInFlight)
	}
	close(end)
	wg.Wait()
	if _, replayed, err := idempotency.Do(t.Context(), db, request("k", "body"), insert(3)); err != nil || !replayed {
		t.Errorf("Do() afterwards = replayed %v, %v", replayed, err)
	}
}

func TestTheEffectsOwnDuplicateIsItsError(t *testing.T) {
	db := open(t)
	if _, _, err := idempotency.Do(t.Context(), db, request("a", "body"), insert(1)); err != nil {
		t.Fatal(err)
	}
	_, replayed, err := idempotency.Do(t.Context(), db, request("b", "body"), insert(1))
	if !errors.Is(err, database.ErrDuplicate) || replayed {
		t.Errorf("Do() = replayed %v, %v, want the effect's ErrDuplicate", replayed, err)
	}
}

func TestFingerprintIgnoresNothing(t *testing.T) {
	if idempotency.Fingerprint(reply{ID: 1}) == idempotency.Fingerprint(reply{ID: 2}) {
		t.Error("two bodies, one fingerprint")
	}
	if one, again := idempotency.Fingerprint(reply{ID: 1}), idempotency.Fingerprint(reply{ID: 1}); one != again {
		t.Error("one body, two fingerprints")
	}
}

func ExampleDo() {
	dir, err := os.MkdirTemp("", "idempotency")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	db, err := database.Open(ctx, database.Config{DSN: config.Secret("sqlite:" + filepath.Join(dir, "example.db"))})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx, idempotency.Migrations()); err != nil {
		log.Fatal(err)
	}
	req := idempotency.Request{UserID: 7, Route: "POST /v1/wallet/topups", Key: "4c1b", Fingerprint: idempotency.Fingerprint(100)}
	for range 2 {
		balance, replayed, err := idempotency.Do(ctx, db, req, func(context.Context, *database.Tx) (int, error) {
			fmt.Println("topping up")
			return 100, nil
		})
		fmt.Println(balance, replayed, err)
	}
	// Output:
	// topping up
	// 100 false <nil>
	// 100 true <nil>
}
