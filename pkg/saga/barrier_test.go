package saga_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/saga"
)

func TestBarrier(t *testing.T) {
	for _, test := range []struct{ name, ops, carriedOut string }{
		{"action", "a", "a"},
		{"duplicate action", "aa", "a-"},
		{"action and compensation", "ac", "ac"},
		{"duplicate compensation", "acc", "ac-"},
		{"late duplicate action", "aca", "ac-"},
		{"empty compensation", "c", "-"},
		{"empty compensation, again", "cc", "--"},
		{"hanging action", "ca", "--"},
		{"everything", "cacaca", "------"},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := databasetest.Open(t, saga.BarrierMigrations())
			var got strings.Builder
			for _, op := range test.ops {
				yes := pass(t, db, "1", op)
				got.WriteRune(map[bool]rune{true: op, false: '-'}[yes])
				if !pass(t, db, "other saga "+fmt.Sprint(got.Len()), 'a') {
					t.Error("another saga's action is not carried out")
				}
			}
			if got.String() != test.carriedOut {
				t.Errorf("%s, want %s", got.String(), test.carriedOut)
			}
		})
	}
}

// pass asks the barrier for an op of step "s": a for action, c for
// compensation.
func pass(t testing.TB, db *database.DB, id string, op rune) (yes bool) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
		yes, err = saga.Barrier(ctx, tx, id, "s", map[rune]saga.Op{'a': saga.Action, 'c': saga.Compensation}[op])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return yes
}

// An action and its compensation that meet, both several times: the net effect
// is none, whoever is first.
func TestBarrierUnderRaces(t *testing.T) {
	db := databasetest.Open(t, saga.BarrierMigrations())
	if _, err := db.Exec(t.Context(), "CREATE TABLE effect (id VARCHAR(64) NOT NULL, n INT NOT NULL, PRIMARY KEY (id))"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	const sagas = 20
	for n := range sagas {
		id := fmt.Sprint(n)
		if _, err := db.Exec(t.Context(), "INSERT INTO effect (id, n) VALUES (?, 0)", id); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			op, change := saga.Action, 1
			if i%2 == 1 {
				op, change = saga.Compensation, -1
			}
			wg.Go(func() {
				err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					yes, err := saga.Barrier(ctx, tx, id, "s", op)
					if err != nil || !yes {
						return err
					}
					_, err = tx.Exec(ctx, "UPDATE effect SET n = n + ? WHERE id = ?", change, id)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	var wrong int
	if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM effect WHERE n <> 0").Scan(&wrong); err != nil || wrong != 0 {
		t.Errorf("%d of %d sagas left an effect, %v", wrong, sagas, err)
	}
}
