package idgen_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/idgen"
)

// Invoice numbers that people read: dense and small.
func ExampleSegment() {
	dir, err := os.MkdirTemp("", "segment")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	db, err := database.Open(ctx, database.Config{DSN: config.Secret("sqlite:" + filepath.Join(dir, "shop.db"))})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx, idgen.Migrations()); err != nil {
		fmt.Println(err)
		return
	}

	invoices, err := idgen.NewSegment(db, "invoice", idgen.SegmentConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	first, _ := invoices.Next(ctx)
	second, err := invoices.Next(ctx)
	fmt.Println(first, second, err)
	// Output: 1 2 <nil>
}
