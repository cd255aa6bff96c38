package waitlist_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/waitlist"
)

func Example() {
	dir, _ := os.MkdirTemp("", "waitlist")
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	db, err := database.Open(ctx, database.Config{DSN: config.Secret("sqlite:" + filepath.Join(dir, "shop.db"))})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	err = db.Migrate(ctx, migrations())
	if err == nil {
		err = db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
			return waitlist.Enlist(ctx, tx, []waitlist.Entry{{ID: 42, Why: "deadline", Due: time.UnixMilli(0)}})
		})
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	cancelOrders := waitlist.Duty{Why: "deadline", Do: func(_ context.Context, _ *database.Tx, ids []int64) ([]waitlist.Entry, error) {
		fmt.Println("past their deadline:", ids)
		cancel()
		return nil, nil
	}}
	walk := func(context.Context, *database.Tx, int64, int64, int) (waitlist.Stretch, error) {
		return waitlist.Stretch{}, nil // a SELECT along the primary key
	}
	fmt.Println(waitlist.New(db, walk, []waitlist.Duty{cancelOrders}, waitlist.Config{}, slog.New(slog.DiscardHandler)).Run(ctx))
	// Output:
	// past their deadline: [42]
	// <nil>
}
