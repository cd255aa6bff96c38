package inventory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/cache"
	"souk.example/pkg/database"
	"souk.example/pkg/money"
	"souk.example/pkg/outbox"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
)

// SeedProduct is a product to put on sale if its SKU is not in use.
type SeedProduct struct {
	SKU, Name, Description string
	Price                  money.Amount
	ImageURL               string
	Stock                  int64 // initial units
}

// IDs hands out the ids of ledger batches.
type IDs interface{ Next() (int64, error) }

// seedChunk is the number of products in one transaction.
const seedChunk = 250

// Seed adds the products that are missing, with their stock, ledger rows and
// product.changed events, leaves the others as they are, and counts what it
// added. Through rdb it tells running replicas, which may believe that there are
// no such products. It may be repeated, after any error too, and run by several
// processes at once.
func Seed(ctx context.Context, db *database.DB, rdb *redisclient.Client, box *outbox.Outbox, ids IDs, products []SeedProduct) (created int, err error) {
	s := store.New(db, box, ids)
	for chunk := range slices.Chunk(products, seedChunk) {
		batch, err := newProducts(chunk, time.Now())
		if err != nil {
			return created, err
		}
		n, err := s.AddMissing(ctx, batch)
		if err != nil {
			return created, fmt.Errorf("seed %d products: %w", len(batch), err)
		}
		created += n
		if err := forgetPages(ctx, rdb, chunk); err != nil {
			return created, fmt.Errorf("tell of %d products: %w", len(chunk), err)
		}
	}
	return created, nil
}

func forgetPages(ctx context.Context, rdb *redisclient.Client, products []SeedProduct) error {
	bus, err := pubsub.New(rdb, pubsub.Config{Service: "seed"})
	if err != nil {
		return err
	}
	pages, err := cache.New(pageCache, rdb, cache.Config{}, cache.WithCodec[catalogue.Page](catalogue.Codec{}), cache.WithBus[catalogue.Page](bus))
	if err != nil {
		return err
	}
	defer pages.Close()
	skus := make([]string, len(products))
	for i, p := range products {
		skus[i] = p.SKU
	}
	return pages.Invalidate(ctx, skus...)
}

func newProducts(seeds []SeedProduct, at time.Time) ([]inventory.NewProduct, error) {
	products := make([]inventory.NewProduct, len(seeds))
	for i, s := range seeds {
		p, err := inventory.Adding{
			SKU: inventory.SKU(s.SKU), Name: s.Name, Description: s.Description,
			Price: s.Price, ImageURL: s.ImageURL, Units: s.Stock,
		}.Product(at)
		if err != nil {
			return nil, fmt.Errorf("seed product %s: %w", s.SKU, err)
		}
		products[i] = p
	}
	return products, nil
}
