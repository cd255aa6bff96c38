package order

import (
	"context"
	"errors"
	"time"

	"souk.example/pkg/money"
)

// Store is where orders live.
type Store interface {
	// InUnit runs fn in one transaction, and again from the start when the
	// database asks for it, so fn must be repeatable. It commits when fn
	// returns nil.
	InUnit(ctx context.Context, fn func(ctx context.Context, u Unit) error) error
}

// Unit is one transaction's view of orders, of the price projection and of the
// events that tell others about both. Every method works on a whole batch.
type Unit interface {
	// Now is the database's clock: the one that deadlines go by and the
	// timeline shows, whichever replica writes it.
	Now(ctx context.Context) (time.Time, error)
	// Prices returns today's price of each SKU on sale; the others are absent.
	Prices(ctx context.Context, skus []SKU) (map[SKU]money.Amount, error)
	// LearnPrices keeps, per SKU, the price with the highest version.
	LearnPrices(ctx context.Context, prices []Price) error
	// NoteSnapshot remembers for good that a whole catalogue has been learned.
	NoteSnapshot(ctx context.Context) error
	// Placed finds the orders that these keys have already placed.
	Placed(ctx context.Context, keys []Key) (map[Key]State, error)
	// Insert stores new orders and their order.placed events, and lists those
	// whose deadline the walk (see Watcher) would miss: too near, or of an id
	// so old that the walk may have passed it. ErrKeyTaken says that one of
	// the keys had placed an order already.
	Insert(ctx context.Context, orders []State) error
	// Lock loads and locks orders, in the order of their ids.
	Lock(ctx context.Context, ids []ID) (map[ID]State, error)
	// Save stores what changed and emits an event per change.
	Save(ctx context.Context, updates []Update) error
}

// Update is what a unit of work did to one order: the state it was read in and
// the changes it went through. Without changes only facts are new.
type Update struct {
	Before, After State
	Changes       []Change
}

// Lease is the right to watch deadlines. It belongs to one process at a time,
// and passes on when its time is over by the database's clock.
type Lease struct {
	Owner  string
	Epoch  int64 // up by one whenever it passes on
	Walked ID    // the last order that was walked past
}

// Leases hands out the one lease of a database.
type Leases interface {
	// Acquire takes the lease for ttl. ErrLeased when another has it.
	Acquire(ctx context.Context, owner string, ttl time.Duration) (Lease, error)
	// Release lets others have the lease at once. It does nothing to a lease
	// that was lost.
	Release(ctx context.Context, l Lease) error
	// InLease is InUnit under the lease, which it renews for ttl. ErrLeaseLost
	// when another has taken it; then nothing of fn stands.
	InLease(ctx context.Context, l Lease, ttl time.Duration, fn func(ctx context.Context, u WatchUnit) error) error
}

// Waitlist is where to look for orders past their deadline, without locks.
type Waitlist interface {
	// Due lists up to limit orders whose deadline has passed, in id order.
	Due(ctx context.Context, limit int) ([]ID, error)
	// Ripe reads up to limit orders above after, in id order, as far as no
	// order can appear any more without being listed by Insert.
	Ripe(ctx context.Context, after ID, limit int) (Stretch, error)
}

// Stretch is a part of the walk; the zero value is none.
type Stretch struct {
	Orders  int // how many were read
	Last    ID
	Waiting []Straggler // those that may still be cancelled
}

// Straggler is an order that waits beyond where the walk has come to.
type Straggler struct {
	Order    ID
	Deadline time.Time
}

// WatchUnit is the unit of one who watches deadlines.
type WatchUnit interface {
	Unit
	// Advance notes that the walk has passed s, and lists those that wait.
	Advance(ctx context.Context, s Stretch) error
	// Strike takes orders off the list.
	Strike(ctx context.Context, ids []ID) error
	// Postpone has a listed order come due again at another time.
	Postpone(ctx context.Context, id ID, due time.Time) error
}

// Price is one version of a product's price.
type Price struct {
	SKU       SKU
	Version   int64
	Amount    money.Amount
	Withdrawn bool
}

// Errors of the ports.
var (
	ErrKeyTaken = errors.New("idempotency key has placed an order")
	ErrNotFound = errors.New("order not found")

	ErrLeased    = errors.New("another process watches the deadlines")
	ErrLeaseLost = errors.New("the lease of the deadline watch was lost")
)
