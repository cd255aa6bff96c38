package outbox

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"souk.example/pkg/database"
)

const (
	readMax      = 64      // packs in one round
	readMaxBytes = 8 << 20 // of payload in one round, or one pack
)

// A commit wakes the loops of several partitions at once. So they wait for one
// another, as long as more than one works, and ask together. Removing holds up
// nothing but its own loop's next round.
const (
	readGather   = time.Millisecond
	removeGather = 4 * time.Millisecond
)

// pointers is the table outbox, and what it points at, as the loops of this
// process read and shorten it: together, in one statement, when they can.
type pointers struct {
	db      *database.DB
	reads   gathering[address, reading]
	removes gathering[[]pack, struct{}]
}

func newPointers(o *Outbox) *pointers {
	p := &pointers{db: o.db}
	patience := func(d time.Duration) func() time.Duration {
		return func() time.Duration {
			if o.working.Load() > 1 {
				return d
			}
			return 0
		}
	}
	p.reads = gathering[address, reading]{patience: patience(readGather), together: p.readTogether, alone: p.readAlone}
	p.removes = gathering[[]pack, struct{}]{patience: patience(removeGather), together: p.removeTogether, alone: p.removeAlone}
	return p
}

// wait returns when nothing is under way any more; nobody may ask meanwhile.
func (p *pointers) wait() {
	p.reads.wait()
	p.removes.wait()
}

// reading is the start of a partition, always: a pack whose transaction commits
// late may carry a lower id than one that is published already.
type reading struct {
	packs []pack // by id
	more  bool   // others wait behind them
}

const selectPacks = "SELECT o.topic, o.part, o.id, e.n, e.at, e.payload FROM outbox o LEFT JOIN event_log e ON e.id = o.id WHERE "

// readTogether is all that the partitions hold, unless it is too much. It is
// not sorted by the database, which would copy the payloads for that.
func (p *pointers) readTogether(ctx context.Context, asked []address) (found []reading, ok bool) {
	args := make([]any, 0, 2*len(asked)+1)
	for _, a := range asked {
		args = append(args, a.topic, a.part)
	}
	where := "o.topic = ? AND o.part = ?" + strings.Repeat(" OR o.topic = ? AND o.part = ?", len(asked)-1)
	packs, full, err := p.packs(ctx, where+" LIMIT ?", append(args, readMax)...)
	if err != nil || full {
		return nil, false
	}
	slices.SortFunc(packs, func(a, b pack) int { return cmp.Compare(a.id, b.id) })
	byAddress := make(map[address][]pack, len(asked))
	for _, pk := range packs {
		byAddress[pk.address] = append(byAddress[pk.address], pk)
	}
	found = make([]reading, len(asked))
	for i, a := range asked {
		found[i].packs = byAddress[a]
	}
	return found, true
}

func (p *pointers) readAlone(ctx context.Context, a address) (r reading, err error) {
	r.packs, r.more, err = p.packs(ctx, "o.topic = ? AND o.part = ? ORDER BY o.id LIMIT ?", a.topic, a.part, readMax)
	return r, err
}

// packs reads up to readMax packs and readMaxBytes; full says that there may be
// more of them.
func (p *pointers) packs(ctx context.Context, rest string, args ...any) (packs []pack, full bool, err error) {
	rows, err := p.db.Query(ctx, selectPacks+rest, args...)
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = rows.Close() }()
	size := 0
	for size < readMaxBytes && rows.Next() {
		pk, err := scanPack(rows)
		if err != nil {
			return nil, false, err
		}
		packs, size = append(packs, pk), size+len(pk.value)
	}
	return packs, len(packs) == readMax || size >= readMaxBytes, rows.Err()
}

func scanPack(rows *sql.Rows) (p pack, err error) {
	err = rows.Scan(&p.topic, &p.part, &p.id, &p.n, &p.at, &p.value)
	return p, err
}

func (p *pointers) removeTogether(ctx context.Context, acked [][]pack) (done []struct{}, ok bool) {
	_, err := p.removeAlone(ctx, slices.Concat(acked...))
	return make([]struct{}, len(acked)), err == nil
}

// removeAlone deletes exactly the pointers of the packs given, in the order of
// their key: whoever deletes some of them too, because it held a lease before,
// waits and does not deadlock.
func (p *pointers) removeAlone(ctx context.Context, acked []pack) (struct{}, error) {
	keys := make([][]any, len(acked))
	slices.SortFunc(acked, func(a, b pack) int {
		return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.part, b.part), cmp.Compare(a.id, b.id))
	})
	for i, pk := range acked {
		keys[i] = []any{pk.topic, pk.part, pk.id}
	}
	err := p.db.DeleteMany(ctx, "outbox", []string{"topic", "part", "id"}, keys)
	return struct{}{}, err
}
