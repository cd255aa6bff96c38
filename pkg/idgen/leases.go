package idgen

import (
	"context"
	"errors"
	"time"
)

// Leases keeps who has which worker number, and up to which timestamp each may
// have been used. InSQL and InRedis make one. Every process that shares a
// store must lease for the same TTL.
type Leases interface {
	// Take leases a free number from first up to, not including, end: one that
	// was never leased or was freed, or whose lease has ended. It fails with
	// ErrNoneFree, also while the store cannot tell, or with ErrTaken when
	// another was quicker.
	Take(ctx context.Context, first, end int, owner string, ttl time.Duration) (Grant, error)
	// Extend leases the number of held until ttl from now, also when the lease
	// has ended but nobody took the number; else, and where the store cannot
	// tell whether somebody did, it fails with ErrTaken.
	Extend(ctx context.Context, held Grant, ttl time.Duration) (Grant, error)
	// Free ends held at once. Its holder used no timestamp above used. It does
	// nothing when held is not the number's last lease.
	Free(ctx context.Context, held Grant, used int64) error
}

// Grant is a worker number that is leased. Its timestamps are milliseconds of
// Unix time.
type Grant struct {
	Worker int
	Term   int64 // names this lease among all that the number ever had; they rise
	// After is a timestamp that no earlier holder went above, HighWater one
	// that this holder must not go above.
	After, HighWater int64
	Now              time.Time // the store's clock, by which the lease's TTL has begun
}

var (
	// ErrTaken: another process took the number, first or after its end, or may
	// have taken it.
	ErrTaken = errors.New("idgen: worker number taken by another")
	// ErrNoneFree: every number is leased, or may be; see [InRedis].
	ErrNoneFree = errors.New("idgen: no worker number is free")
)
