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
	// Prices returns today's price of each SKU on sale; the others are absent.
	Prices(ctx context.Context, skus []SKU) (map[SKU]money.Amount, error)
}

// Unit is one transaction's view of orders, of the price projection and of the
// events that tell others about both. Every method works on a whole batch.
type Unit interface {
	// Now is the database's clock: the one that deadlines go by and the
	// timeline shows, whichever replica writes it.
	Now(ctx context.Context) (time.Time, error)
	// LearnPrices keeps, per SKU, the price with the highest version.
	LearnPrices(ctx context.Context, prices []Price) error
	// NoteSnapshot remembers for good that a whole catalogue has been learned.
	NoteSnapshot(ctx context.Context) error
	// Placed finds the orders that these keys have already placed.
	Placed(ctx context.Context, keys []Key) (map[Key]*State, error)
	// Insert stores new orders and their order.placed events, and puts those
	// on the waitlist that its walk would miss. ErrKeyTaken says that one of
	// the keys had placed an order already.
	Insert(ctx context.Context, orders []*State) error
	// Lock loads and locks orders, in the order of their ids.
	Lock(ctx context.Context, ids []ID) (map[ID]*State, error)
	// Recall tells what is remembered of orders that are open, without reading
	// or locking them: it may be old, and those it does not know are absent.
	// Save proves it, for the orders it saves.
	Recall(ids []ID) map[ID]*State
	// Mistrust forgets what Recall knows of the orders and returns an error that
	// has the whole unit run again, reading them.
	Mistrust(ids []ID) error
	// Save stores what changed, provided that every order still is as in Before,
	// and emits an event per change. It puts orders on the waitlist that begin
	// to wait again. Where a recalled one has changed, the unit runs again.
	Save(ctx context.Context, updates []Update) error
	// Repeat sends the event that each state's latest change made once more,
	// under its own id. It decides nothing.
	Repeat(ctx context.Context, states []*State) error
	// Remind is Repeat to those who owe an answer to the event: nudged.
	Remind(ctx context.Context, states []*State) error
}

// Holds counts each user's open orders, which hold stock that is not paid for,
// so that nobody hoards it. It protects from abuse and is no truth: what it
// cannot count it lets pass, at once, and what it loses counts no more.
type Holds interface {
	// Take asks for a slot for each key, one after the other, and answers each
	// in its place. A key that has a slot keeps it.
	Take(ctx context.Context, keys []Key) []Slot
	// Free gives the keys' slots back.
	Free(ctx context.Context, keys []Key)
}

// Gate knows how much is left of what is nearly sold out, so that who comes too
// late learns it at once. It protects from storms and is no truth, which is
// inventory's: what it does not know it lets pass, at once.
type Gate interface {
	// Admit answers each ask in its place, one after the other. A key that
	// holds units keeps them and takes no others.
	Admit(ctx context.Context, asks []Ask) []Admission
	// Withdraw ends what these asks hold.
	Withdraw(ctx context.Context, asks []Ask)
}

// Update is what a unit of work did to one order: the state it was read in and
// the changes it went through. Without changes only facts are new.
type Update struct {
	Before, After *State
	Changes       []Change
	Recalled      bool // Before was recalled, not locked
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
)
