package points

import "context"

// Unit is one transaction's view of points and of the events that tell of
// them. Every method works on a whole batch.
type Unit interface {
	// Awards finds what these orders have earned already; an order without
	// an entry for CausePaid is absent.
	Awards(ctx context.Context, orders []OrderID) (map[OrderID]Award, error)
	// Record stores the decisions and emits an event per reply.
	Record(ctx context.Context, d Decisions) error
}

// Page narrows a list of entries.
type Page struct {
	After EntryID // the last entry already seen; the zero value starts with the newest order
	Limit int
}

// Reader answers queries. It never locks.
type Reader interface {
	// Account is what the user has; the zero value before the first reward.
	Account(ctx context.Context, user UserID) (Account, error)
	// Entries lists the user's entries, newest order first.
	Entries(ctx context.Context, user UserID, p Page) ([]Entry, error)
}
