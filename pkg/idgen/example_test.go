package idgen_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient"
)

// openShop opens an empty database with the tables of this package.
func openShop(ctx context.Context) (db *database.DB, remove func(), err error) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		return nil, nil, err
	}
	db, err = database.Open(ctx, database.Config{DSN: config.Secret("sqlite:" + filepath.Join(dir, "shop.db"))})
	if err != nil {
		return nil, nil, err
	}
	remove = func() { _, _ = db.Close(), os.RemoveAll(dir) }
	return db, remove, db.Migrate(ctx, idgen.Migrations())
}

// Order ids from every process of a shop: unique, and in the order of time.
func ExampleNew() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	db, remove, err := openShop(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()

	orders := idgen.New(idgen.InSQL(db), idgen.Config{})
	if err := orders.Acquire(ctx); err != nil { // leases a worker number
		fmt.Println(err)
		return
	}
	ended := make(chan error)
	go func() { ended <- orders.Run(ctx) }() // renews it, and frees it at the end

	first, _ := orders.Next()
	second, err := orders.Next()
	fmt.Println(first < second, idgen.Parse(first).Machine, err)
	stop()
	fmt.Println(<-ended)
	// Output:
	// true 0 <nil>
	// <nil>
}

// Ids for processes that have a Redis and no database.
func ExampleInRedis() {
	server, err := miniredis.Run()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx := context.Background()
	rdb, _ := redisclient.Open(ctx, redisclient.Config{Addrs: []string{server.Addr()}})
	defer func() { _ = rdb.Close() }()

	leases, err := idgen.InRedis(rdb, "shop:workers")
	if err != nil {
		fmt.Println(err)
		return
	}
	// The very first Acquire takes a TTL and a little: an empty Redis may have
	// lost leases that are still used.
	events := idgen.New(leases, idgen.Config{Datacenter: 1, LeaseTTL: time.Second})
	if err := events.Acquire(ctx); err != nil {
		fmt.Println(err)
		return
	}
	id, err := events.Next()
	fmt.Println(idgen.Parse(id).Machine, err) // then Run, as in the example of New
	// Output: 32 <nil>
}

// Invoice numbers that people read: dense and small.
func ExampleSegment() {
	ctx := context.Background()
	db, remove, err := openShop(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer remove()

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
