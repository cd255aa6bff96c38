package points

import "context"

// Unit is one transaction's view of points and of the events that tell of
// them. Every method works on a whole batch.
type Unit interface {
	// Fresh reports that nothing speaks for any request having come before. What
	// a request would open may then be taken for new without looking: Record
	// fails if it is not, by the key of its row, and has the whole unit run
	// again, not fresh.
	Fresh(ctx context.Context) bool
	// Awards finds what these orders have earned already; an order without
	// an entry of an earn rule for CausePaid is absent.
	Awards(ctx context.Context, orders []OrderID) (map[OrderID]Award, error)
	// Entries finds all that is written about these orders.
	Entries(ctx context.Context, orders []OrderID) (map[OrderID][]Entry, error)
	// Debtors finds those of the users who owe points; users come in id order.
	Debtors(ctx context.Context, users []UserID) ([]UserID, error)
	// Freezes loads and locks what is decided about the points that these
	// orders use, in the order of their ids.
	Freezes(ctx context.Context, orders []OrderID) (map[OrderID]Freeze, error)
	// LockAccounts loads and locks the users' accounts, in the order of their
	// ids; a user who never had points is absent.
	LockAccounts(ctx context.Context, users []UserID) (map[UserID]Account, error)
	// Record stores the decisions and emits an event per reply. It fails when
	// an account would promise more than it has.
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
