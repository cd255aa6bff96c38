package saga_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
)

// A return: taken in at once, paid back by the payment service, which is the
// pivot, and put back on the shelf by the inventory service.
func returns(ask func(tx *database.Tx, command string)) saga.Definition {
	return saga.Definition{Type: "return", Pivot: "refund", Steps: []saga.Step{{
		Name: "open",
		Do: func(_ context.Context, _ *database.Tx, c saga.Call) (saga.Progress, error) {
			fmt.Printf("%s of order %s is open\n", c.Type, c.Saga)
			return saga.Done, nil // after UPDATE orders SET status = 'RETURNING' on tx
		},
		Undo: func(context.Context, *database.Tx, saga.Call) (saga.Progress, error) { return saga.Done, nil },
	}, {
		Name: "refund",
		Do: func(_ context.Context, tx *database.Tx, c saga.Call) (saga.Progress, error) {
			ask(tx, c.Step) // appends order.refund_requested to the outbox
			return saga.Waiting, nil
		},
	}, {
		Name: "restock",
		Do: func(_ context.Context, tx *database.Tx, c saga.Call) (saga.Progress, error) {
			ask(tx, c.Step)
			return saga.Waiting, nil
		},
	}}}
}

func Example() {
	dir, _ := os.MkdirTemp("", "saga")
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	db, err := database.Open(ctx, database.Config{DSN: config.Secret("sqlite:" + filepath.Join(dir, "shop.db"))})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx, saga.Migrations()); err != nil {
		fmt.Println(err)
		return
	}

	commands := make(chan string, 1) // stands for the outbox, Kafka and the other services
	engine, err := saga.New(db, saga.Config{}, telemetry.Nop(), returns(func(tx *database.Tx, command string) {
		tx.OnCommit(func() { commands <- command })
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	ran := make(chan error)
	go func() { ran <- engine.Run(ctx) }()

	err = db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := engine.Start(ctx, tx, "return", "42", nil)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		step := <-commands
		_ = db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { // the inbox's
			taken, err := engine.Signal(ctx, tx, saga.Reply{Saga: "42", Step: step, Op: saga.Action})
			fmt.Println(step, "is done:", taken)
			return err
		})
	}
	_ = engine.Round(ctx) // what Run does anyway, now
	found, records, _ := saga.NewOperator(db).Show(ctx, "42")
	fmt.Println(found.Status, "after", len(records), "ops")
	cancel()
	fmt.Println(<-ran)
	// Output:
	// return of order 42 is open
	// refund is done: true
	// restock is done: true
	// COMPLETED after 3 ops
	// <nil>
}
