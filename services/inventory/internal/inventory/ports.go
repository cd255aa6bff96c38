package inventory

import "context"

// Unit is one transaction's view of stock, reservations and the events that
// tell of them. Every method works on a whole batch.
type Unit interface {
	// Fresh reports that nothing speaks for any request having come before. What
	// a request would open may then be taken for new without looking: Record
	// fails if it is not, by the key of its row, and has the whole unit run
	// again, not fresh.
	Fresh(ctx context.Context) bool
	// Recall tells what is remembered of orders that hold stock, without reading
	// or locking them: it may be old, and those it does not know are absent.
	// Record proves it, for the orders that it changes, or has the unit run again.
	Recall(orders []OrderID) map[OrderID]Reservation
	// Reservations loads and locks what is decided about these orders, in the
	// order of their ids.
	Reservations(ctx context.Context, orders []OrderID) (map[OrderID]Reservation, error)
	// LockStock locks the stock of these SKUs, in their order, and tells how
	// much is available; a SKU that is not sold is absent.
	LockStock(ctx context.Context, skus []SKU) (available map[SKU]int64, err error)
	// Record stores the decisions with their ledger rows and emits an event
	// per reply. It fails when a count would fall below 0.
	Record(ctx context.Context, d Decisions) error
}

// Catalogue is where products and their stock are changed and read. What a
// method changes, it changes in one transaction together with the events and
// ledger rows that tell of it.
type Catalogue interface {
	// Add stores new products with their initial units. ErrSKUTaken when one
	// of the SKUs is in use; then none is stored.
	Add(ctx context.Context, products []NewProduct) error
	// Change applies change to the product under a lock and stores what it
	// returns when it reports a difference. ErrProductNotFound.
	Change(ctx context.Context, sku SKU, change func(Product) (Product, bool, error)) (Product, error)
	// Adjust moves units in or out, once per (a.User, a.Key): a key that has
	// adjusted already returns what it returned then. ErrProductNotFound,
	// ErrBelowReserved.
	Adjust(ctx context.Context, a Adjustment) (Adjusted, error)
	// Stock returns where the units are. ErrProductNotFound.
	Stock(ctx context.Context, sku SKU) (Stock, error)
}

// Pages are the product pages that may be cached somewhere.
type Pages interface {
	// Announced says, before the commit that makes it so, that there will be a
	// product of this SKU: who looks for it must not be told that it is known
	// not to exist. It does its best too.
	Announced(ctx context.Context, sku SKU)
	// Changed says that the product's page is out of date. It does its best:
	// a page that it cannot reach is out of date until it expires.
	Changed(ctx context.Context, sku SKU)
}
