package stockgate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrOutdated: a later version has been published.
var ErrOutdated = errors.New("stock gate: a later version has been published")

// Hold is a hold that waits for its order to be decided.
type Hold struct {
	Order  int64
	digest string
}

// Holds lists the holds.
func (g *Gates) Holds(ctx context.Context) ([]Hold, error) {
	found, err := g.rdb.Read().HGetAll(ctx, keyHolds).Result()
	if err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	holds := make([]Hold, 0, len(found))
	for digest, text := range found {
		words := strings.SplitN(text, " ", 3)
		if len(words) < 2 {
			return nil, fmt.Errorf("read holds: %q is none", text)
		}
		order, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read holds: %w", err)
		}
		holds = append(holds, Hold{Order: order, digest: digest})
	}
	return holds, nil
}

// Version orders publications: first by the fence of the publisher, then by its
// own count.
type Version struct{ Fence, Count int64 }

// String is a text that sorts as versions do: scripts cannot compare such
// numbers otherwise.
func (v Version) String() string { return fmt.Sprintf("%020d.%020d", v.Fence, v.Count) }

// Sheet is a look at SQL that began at Begun. Decided are holds that were found
// decided before Gates were read: units that SQL gave away for them are missing
// there, and must not be claimed any more.
type Sheet struct {
	Version Version
	Begun   time.Time
	Decided []Hold
	Gates   []Gate
}

// Gate is what SQL says of a SKU.
type Gate struct {
	SKU                 string
	Available, Reserved int64
}

// Publish overwrites the gates: those that the sheet does not name are gone.
// They count until the sheet is [MaxAge] old. It refuses a sheet that is older
// than that, and one of an earlier version than was published, with ErrOutdated.
func (g *Gates) Publish(ctx context.Context, s Sheet) error {
	open := MaxAge - time.Since(s.Begun)
	if open <= 0 {
		return fmt.Errorf("publish gates: the look at the stock took %s", time.Since(s.Begun))
	}
	args := make([]any, 0, 4+len(s.Decided)+3*len(s.Gates))
	args = append(args, s.Version.String(), millis(open), millis(HoldFor), len(s.Decided))
	for _, h := range s.Decided {
		args = append(args, h.digest)
	}
	for _, gate := range s.Gates {
		args = append(args, gate.SKU, gate.Available, gate.Reserved)
	}
	keys := []string{keyState, keyUnits, keyBack, keyClaims, keyHolds}
	published, err := g.scripts.Run(ctx, g.rdb.Write(), "publish", keys, args...).Bool()
	switch {
	case err != nil:
		return fmt.Errorf("publish %d gates: %w", len(s.Gates), err)
	case !published:
		return ErrOutdated
	}
	return nil
}
