package order

import "context"

// Filter narrows a list; the zero value lists everything of the user's.
type Filter struct {
	Status Status // "" for any
	Before ID     // only orders with smaller ids; 0 for the newest
	Limit  int
}

// Reader answers queries. It never locks and may trail a commit by nothing:
// it reads what is committed.
type Reader interface {
	// Get returns the user's order; ErrNotFound for an order of somebody
	// else as for one that does not exist.
	Get(ctx context.Context, user UserID, id ID) (*State, error)
	// List returns up to f.Limit orders of the user, newest first.
	List(ctx context.Context, user UserID, f Filter) ([]*State, error)
}
