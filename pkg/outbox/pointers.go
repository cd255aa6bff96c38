package outbox

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"souk.example/pkg/database"
)

const (
	readMax      = 64      // packs in one round
	readMaxBytes = 8 << 20 // of payload in one round, or one pack
)

// readGather: a commit wakes the loops of several partitions at once. So they
// wait for one another, as long as more than one works, and ask together.
const readGather = time.Millisecond

// pointers is the table outbox, and what it points at, as the loops of this
// process read it, together, in one statement, when they can, and as it is
// shortened behind them.
type pointers struct {
	db    *database.DB
	reads gathering[address, reading]
	spent spent
}

func newPointers(o *Outbox) *pointers {
	p := &pointers{db: o.db, spent: spent{held: make(map[address]map[int64]struct{})}}
	patience := func() time.Duration {
		if o.working.Load() > 1 {
			return readGather
		}
		return 0
	}
	p.reads = gathering[address, reading]{patience: patience, together: p.readTogether, alone: p.readAlone}
	return p
}

// reading is the start of what a partition has to publish, always: a pack whose
// transaction commits late may carry a lower id than one that is published
// already.
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
	where := "(o.topic = ? AND o.part = ?" + strings.Repeat(" OR o.topic = ? AND o.part = ?", len(asked)-1) + ")"
	but, ids := unspent(p.spent.of(asked...))
	packs, full, err := p.packs(ctx, where+but+" LIMIT ?", append(append(args, ids...), readMax)...)
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
	but, ids := unspent(p.spent.of(a))
	args := append([]any{a.topic, a.part}, ids...)
	r.packs, r.more, err = p.packs(ctx, "o.topic = ? AND o.part = ?"+but+" ORDER BY o.id LIMIT ?", append(args, readMax)...)
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

// unspent narrows a query of outbox o to pointers that are not spent. The
// optimizer is not to make a range of each gap between the ids.
func unspent(gone []pointer) (condition string, ids []any) {
	if len(gone) == 0 {
		return "", nil
	}
	for _, p := range gone {
		ids = append(ids, p.id)
	}
	return " AND o.id + 0 NOT IN (?" + strings.Repeat(",?", len(gone)-1) + ")", ids
}

// forget deletes exactly the pointers that are spent of these partitions.
func (p *pointers) forget(ctx context.Context, these ...address) error {
	gone := p.spent.of(these...)
	if len(gone) == 0 {
		return nil
	}
	keys := make([][]any, len(gone))
	for i, g := range gone {
		keys[i] = []any{g.topic, g.part, g.id}
	}
	err := p.db.DeleteMany(ctx, "outbox", []string{"topic", "part", "id"}, keys)
	if err != nil {
		return fmt.Errorf("forget acknowledged packs: %w", err)
	}
	p.spent.drop(gone)
	return nil
}
