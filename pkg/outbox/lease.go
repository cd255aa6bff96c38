package outbox

import (
	"context"
	"fmt"
	"time"

	"souk.example/pkg/database"
)

// leases is this process's part in relay_lease and relay_member.
//
// A row of relay_lease says who relays a partition and until when, by the
// database's clock. It changes hands by compare-and-set on its epoch, and only
// when its time is over or its owner gave it back. A row of relay_member says
// that a process relays a topic; from the living ones follows each one's share.
type leases struct {
	db         *database.DB
	owner      string
	ttl        time.Duration
	topics     []string
	partitions int32
}

func newLeases(o *Outbox) *leases {
	return &leases{
		db: o.db, owner: o.cfg.Owner, ttl: o.cfg.LeaseTTL,
		topics: o.cfg.Topics, partitions: o.cfg.Partitions,
	}
}

// view is what a refresh has come to.
type view struct {
	held  map[address]int64 // the partitions this process holds, with their epochs
	quota map[string]int    // how many of each topic it should hold
	until time.Time         // by this process's clock; surely not after the leases' end
}

// hungry reports whether the process waits for others to give something up.
func (v view) hungry() bool { return lacking(v.held, v.quota) > 0 }

// create makes the rows that are missing.
func (l *leases) create(ctx context.Context) error {
	var rows [][]any
	for _, topic := range l.topics {
		for part := range l.partitions {
			rows = append(rows, []any{topic, part, "", 0, 0})
		}
	}
	err := l.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Upsert(ctx, "relay_lease", []string{"topic", "part"},
			[]string{"topic", "part", "owner", "epoch", "until"}, rows, map[string]string{"epoch": "old(epoch)"})
	})
	if err != nil {
		return fmt.Errorf("create relay leases: %w", err)
	}
	return nil
}

// refresh renews what this process holds and takes what it lacks of its share.
func (l *leases) refresh(ctx context.Context) (view, error) {
	var v view
	err := l.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		begun := time.Now() // before the database looks at its own clock
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		v = view{until: begun.Add(l.ttl)}
		t := turn{leases: l, tx: tx, now: database.Micros(now), end: database.Micros(now.Add(l.ttl))}
		if v.quota, err = t.join(ctx); err != nil {
			return err
		}
		v.held, err = t.hold(ctx, v.quota)
		return err
	})
	if err != nil {
		return view{}, fmt.Errorf("refresh relay leases: %w", err)
	}
	return v, nil
}

// release gives one partition back, unless it has another owner by now.
func (l *leases) release(ctx context.Context, a address, epoch int64) error {
	_, err := l.db.Exec(ctx, "UPDATE relay_lease SET until = 0 WHERE topic = ? AND part = ? AND owner = ? AND epoch = ?",
		a.topic, a.part, l.owner, epoch)
	if err != nil {
		return fmt.Errorf("release relay lease: %w", err)
	}
	return nil
}

// leave gives everything back and forgets members that are long gone.
func (l *leases) leave(ctx context.Context) error {
	err := l.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE relay_lease SET until = 0 WHERE owner = ?", l.owner); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM relay_member WHERE owner = ? OR until < ?",
			l.owner, database.Micros(now.Add(-time.Hour)))
		return err
	})
	if err != nil {
		return fmt.Errorf("release relay leases: %w", err)
	}
	return nil
}
