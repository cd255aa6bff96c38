package databasetest

import (
	"context"
	"testing"
	"time"

	"souk.example/pkg/database"
)

// InTx runs fn in one transaction, which must stand.
func InTx(t testing.TB, db *database.DB, fn func(tx *database.Tx) error) {
	t.Helper()
	if err := db.InTx(t.Context(), func(_ context.Context, tx *database.Tx) error { return fn(tx) }); err != nil {
		t.Fatal(err)
	}
}

// TimeRows reports what fn takes for each of the n rows that it is about, in
// nanoseconds and without BEGIN and COMMIT.
func TimeRows(b *testing.B, db *database.DB, n int, fn func(tx *database.Tx) error) {
	b.Helper()
	var took time.Duration
	for b.Loop() {
		InTx(b, db, func(tx *database.Tx) error {
			begun := time.Now()
			defer func() { took += time.Since(begun) }()
			return fn(tx)
		})
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/float64(n), "ns/row")
}
