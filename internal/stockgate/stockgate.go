// Package stockgate keeps, in Redis, how many units are left of what is nearly
// sold out, so that the 101st buyer of a hundred units is refused when he asks
// and not after his order was taken. Inventory publishes the gates from SQL;
// order asks them.
//
// A gate is protection of a crowd's time and of the database, and no truth:
// units are given away in SQL alone. So whatever is in doubt passes: a SKU
// without a gate, gates that were not published for [MaxAge], gates with more
// holds than [MaxHolds].
//
// What is left of a SKU is what SQL calls available less the holds: units of
// orders that were admitted and that inventory has not decided about. A hold
// belongs to an idempotency key of a user; it ends with the publication that
// finds its order decided in SQL, when it is withdrawn, and after [HoldFor]
// whatever became of it. So nothing that is lost on the way keeps a unit from
// being sold for longer than that.
package stockgate

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"strconv"
	"time"

	"souk.example/pkg/redisclient"
)

const (
	// MaxAge is how old gates may be, from the look at SQL, that refuse anybody.
	MaxAge = 2 * time.Second
	// HoldFor is how long a hold lasts at most: as long as an intake tries to
	// commit a batch.
	HoldFor = time.Minute
	// StayFor is how long a place in the waiting room is kept for somebody who
	// does not come back.
	StayFor = 10 * time.Second
	// MaxHolds bounds what a publication has to read while it keeps everybody
	// else waiting. Beyond it nobody is refused.
	MaxHolds = 20_000
)

// The keys have one tag, and so one node of a cluster, because an order of
// several SKUs is admitted as a whole.
const (
	prefix    = "souk:gate:{stock}:"
	keyState  = prefix + "state"     // a hash: version; until when the gates count, in ms
	keyUnits  = prefix + "available" // a hash: units that SQL has available, by SKU
	keyBack   = prefix + "reserved"  // a hash: units that SQL has reserved, by SKU
	keyClaims = prefix + "claimed"   // a hash: units of the holds, by SKU
	keyHolds  = prefix + "holds"     // a hash: "<until> <order> <units> <sku> …" by digest
	roomOf    = prefix + "room:"     // and the SKU; a sorted set: digests by when their place is lost
)

//go:embed *.lua
var luaFiles embed.FS

// Gates are the gates in one Redis. Nothing is kept in memory. Safe for
// concurrent use.
type Gates struct {
	rdb     *redisclient.Client
	scripts redisclient.Scripts
}

// New makes Gates. It asks nothing of Redis.
func New(rdb *redisclient.Client) (*Gates, error) {
	scripts, err := redisclient.LoadScripts(luaFiles)
	if err != nil {
		return nil, fmt.Errorf("stock gate: %w", err)
	}
	return &Gates{rdb: rdb, scripts: scripts}, nil
}

// Line is so many units of a SKU. A SKU has no white space.
type Line struct {
	SKU   string
	Units int64
}

// Ask is an order that wants to be admitted. User and Key name it: who asks
// again under them keeps his hold.
type Ask struct {
	User  int64
	Key   string
	Order int64
	Lines []Line // of SKUs that have a gate; others do no harm
}

// digest stands for a user's key, short whatever the client chose.
func (a Ask) digest() []byte {
	sum := sha256.Sum256([]byte(strconv.FormatInt(a.User, 10) + " " + a.Key))
	return sum[:16]
}

func millis(d time.Duration) int64 { return d.Milliseconds() }
