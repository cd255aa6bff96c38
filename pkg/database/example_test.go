package database_test

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
)

//go:embed testdata/*.sql
var walletFiles embed.FS

func Example() {
	dir, err := os.MkdirTemp("", "database")
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
	files, err := fs.Sub(walletFiles, "testdata")
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Migrate(ctx, database.Migrations{Name: "wallet", FS: files}); err != nil {
		log.Fatal(err)
	}

	err = db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		tx.OnCommit(func() { fmt.Println("committed") })
		cols := []string{"user_id", "balance"}
		if err := tx.Insert(ctx, "wallet", cols, [][]any{{1, 500}, {2, 20}}); err != nil {
			return err
		}
		paid, err := tx.UpdateMany(ctx, database.UpdateMany{
			Table: "wallet", Key: []string{"user_id"}, Values: []string{"price"},
			Rows:  [][]any{{1, 100}, {2, 100}},
			Set:   map[string]string{"balance": "t.balance - v.price"},
			Where: "t.balance >= v.price",
		})
		fmt.Println("paid:", paid)
		return err
	})
	fmt.Println(err)
	err = db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Insert(ctx, "wallet", []string{"user_id", "balance"}, [][]any{{1, 0}})
	})
	fmt.Println(errors.Is(err, database.ErrDuplicate))
	// Output:
	// paid: 1
	// committed
	// <nil>
	// true
}
