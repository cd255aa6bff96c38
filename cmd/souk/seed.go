package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"souk.example/contracts"
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/idgen"
	"souk.example/pkg/outbox"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/services/inventory"
	"souk.example/services/payment"
	"souk.example/services/user"
)

func seedCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "seed",
		Short: "Load the demo data that is missing (up does this too)",
		Long: `Load the demo data that is missing: a customer and an administrator with filled
wallets, 1,000 products and FLASH-01. What is there stays as it is.`,
		Example: "  souk seed",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := inDevelopment("demo accounts are for development"); err != nil {
				return err
			}
			if err := a.mustRun(); err != nil {
				return err
			}
			return a.seed(cmd.Context())
		},
	}
}

// seed loads the demo data that is missing and waits until all of it can be
// ordered. The databases must have been migrated.
func (a *app) seed(ctx context.Context) error {
	dbs, err := a.openDatabases(ctx, "user", "payment", "inventory", "order")
	if err != nil {
		return err
	}
	defer func() { _ = dbs.close() }()
	if err := seedPeople(ctx, dbs); err != nil {
		return fmt.Errorf("seed people: %w", err)
	}
	created, err := a.seedProducts(ctx, dbs["inventory"])
	if err != nil {
		return fmt.Errorf("seed products: %w", err)
	}
	a.progress.Done("demo data stands: %d products new", created)
	return awaitPrices(ctx, dbs)
}

// seedPeople makes the demo accounts. Their passwords are public: nothing but a
// developer's machine may have them.
func seedPeople(ctx context.Context, dbs databases) error {
	people := []user.Person{
		{Email: demoEmail, Password: "souk-demo-password", Name: "Demo", Role: auth.RoleUser},
		{Email: adminEmail, Password: "souk-admin-password", Name: "Admin", Role: auth.RoleAdmin},
	}
	err := withIDs(ctx, dbs["user"], func(ids *idgen.Worker) error { return user.Seed(ctx, dbs["user"], ids, people) })
	if err != nil {
		return err
	}
	var ids []int64
	for _, p := range people {
		found, err := accountOf(ctx, dbs["user"], p.Email)
		if err != nil {
			return err
		}
		ids = append(ids, found.id)
	}
	return payment.EnsureWallets(ctx, dbs["payment"], ids, startingBalance())
}

func (a *app) seedProducts(ctx context.Context, db *database.DB) (created int, err error) {
	rdb, err := redisclient.Open(ctx, a.addresses.Redis)
	if err != nil {
		return 0, err
	}
	defer func() { _ = rdb.Close() }()
	err = withIDs(ctx, db, func(ids *idgen.Worker) error {
		// It only appends; the service's own relay publishes.
		box := outbox.New(db, ids, nil, outbox.Config{
			Source: "souk/inventory", Topics: contracts.Topics(), Partitions: contracts.Partitions, Partition: contracts.Partition,
		}, telemetry.Nop())
		created, err = inventory.Seed(ctx, db, rdb, box, ids, demoProducts())
		return err
	})
	return created, err
}

// awaitPrices waits until order knows every product, so that what is on sale
// can be bought.
func awaitPrices(ctx context.Context, dbs databases) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		var products, prices int
		if err := dbs["inventory"].QueryRow(ctx, "SELECT COUNT(*) FROM product").Scan(&products); err != nil {
			return err
		}
		if err := dbs["order"].QueryRow(ctx, "SELECT COUNT(*) FROM price").Scan(&prices); err != nil {
			return err
		}
		if prices >= products {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("order knows %d prices of %d: %w", prices, products, ctx.Err())
		case <-ticker.C:
		}
	}
}
