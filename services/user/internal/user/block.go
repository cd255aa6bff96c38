package user

import (
	"context"
	"time"

	"souk.example/contracts"
)

// Block is somebody who is shut out, and why.
type Block struct {
	Subject contracts.Subject
	Reason  string
	By      ID // the administrator who said so last
	Since   time.Time
}

// MaxReason bounds why somebody is shut out, in bytes.
const MaxReason = 200

// Blocks is where it is kept who is shut out. While a user is, no session of
// theirs is opened or refreshed.
type Blocks interface {
	// Put shuts b.Subject out, or gives another reason, and returns the block
	// as it stands: Since is that of the first time. ErrBlocksFull when there
	// are contracts.MaxBlocks already.
	Put(ctx context.Context, b Block) (Block, error)
	// Remove lets somebody in again, or is ErrNotBlocked.
	Remove(ctx context.Context, s contracts.Subject) error
	// List returns every block, by subject.
	List(ctx context.Context) ([]Block, error)
}
