package outbox_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/bustest"
	"souk.example/pkg/outbox"
	"souk.example/pkg/telemetry"
)

func Example() {
	dir, _ := os.MkdirTemp("", "outbox")
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	db, err := database.Open(ctx, database.Config{DSN: config.Secret("sqlite:" + filepath.Join(dir, "shop.db"))})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx, outbox.Migrations()); err != nil {
		fmt.Println(err)
		return
	}

	bus := bustest.Memory(4)
	box := outbox.New(db, &counter{}, bus, outbox.Config{
		Source: "order", Topics: []string{"souk.order.v1"}, Partitions: 4, Partition: byNumber,
	}, telemetry.Nop())
	relayed := make(chan error)
	go func() { relayed <- box.Run(ctx) }()

	err = db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		// … the order's row goes here …
		return box.Append(ctx, tx, "souk.order.v1", eventbus.Event{ID: "42-1", Type: "order.placed.v1", Subject: "42"})
	})
	if err != nil {
		fmt.Println(err)
	}
	_ = bus.Consume(ctx, "inventory", []string{"souk.order.v1"}, func(_ context.Context, c eventbus.Claim) error {
		for r := range c.Records() {
			events, _ := r.Events()
			fmt.Println(events[0].Type, events[0].ID)
			cancel()
		}
		return nil
	})
	fmt.Println(<-relayed)
	// Output:
	// order.placed.v1 42-1
	// <nil>
}
