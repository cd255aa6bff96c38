package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/services/points/internal/points"
	"souk.example/services/points/internal/store"
	"souk.example/services/points/migrations"
)

// Whether few or many owe, those among the users asked about are found.
func TestDebtors(t *testing.T) {
	for _, others := range []int{0, 99, 100, 101, 500} {
		t.Run(fmt.Sprintf("%d others owe", others), func(t *testing.T) {
			db := databasetest.Open(t, migrations.Set())
			accounts := [][]any{{1, 0, 0, 7}, {2, 9, 0, 0}, {3, 0, 0, 1}}
			for i := range others {
				accounts = append(accounts, []any{1000 + i, 0, 0, 1})
			}
			databasetest.InTx(t, db, func(tx *database.Tx) error {
				return tx.Insert(t.Context(), "points_account", []string{"user_id", "balance", "frozen", "debt"}, accounts)
			})
			for _, want := range [][2][]points.UserID{{{1, 2, 3, 4}, {1, 3}}, {{2, 4}, nil}, {nil, nil}} {
				if got := debtors(t, db, want[0]); !slices.Equal(got, want[1]) {
					t.Errorf("of %v owe %v, want %v", want[0], got, want[1])
				}
			}
		})
	}
}

func debtors(t *testing.T, db *database.DB, users []points.UserID) (found []points.UserID) {
	t.Helper()
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
		found, err = store.NewUnit(tx, mute{}).Debtors(ctx, users)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}
