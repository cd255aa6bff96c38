package outbox

import (
	"context"

	"souk.example/pkg/database"
)

// turn is one refresh of the leases, inside its transaction.
type turn struct {
	*leases
	tx       *database.Tx
	now, end int64 // the database's clock, and that plus the leases' duration
}

// join renews this process's memberships and returns its share of each topic.
func (t turn) join(ctx context.Context) (quota map[string]int, err error) {
	mine := make([][]any, len(t.topics))
	for i, topic := range t.topics {
		mine[i] = []any{topic, t.owner, t.end}
	}
	err = t.tx.Upsert(ctx, "relay_member", []string{"topic", "owner"}, []string{"topic", "owner", "until"},
		mine, map[string]string{"until": "new(until)"})
	if err != nil {
		return nil, err
	}
	members, err := t.members(ctx)
	if err != nil {
		return nil, err
	}
	quota = make(map[string]int)
	for _, topic := range t.topics {
		quota[topic] = share(topic, members[topic], t.owner, int(t.partitions))
	}
	return quota, nil
}

// members lists the living members of each topic.
func (t turn) members(ctx context.Context) (map[string][]string, error) {
	rows, err := t.tx.Query(ctx, "SELECT topic, owner FROM relay_member WHERE until > ?", t.now)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	members := make(map[string][]string)
	for rows.Next() {
		var topic, owner string
		if err := rows.Scan(&topic, &owner); err != nil {
			return nil, err
		}
		members[topic] = append(members[topic], owner)
	}
	return members, rows.Err()
}

// hold prolongs the leases that have not run out, in one statement, and claims
// free ones up to the quota.
func (t turn) hold(ctx context.Context, quota map[string]int) (held map[address]int64, err error) {
	_, err = t.tx.Exec(ctx, "UPDATE relay_lease SET until = ? WHERE owner = ? AND until > ?", t.end, t.owner, t.now)
	if err != nil {
		return nil, err
	}
	held, free, err := t.look(ctx)
	if err != nil {
		return nil, err
	}
	wanted := choose(free, held, quota)
	if len(wanted) == 0 {
		return held, nil
	}
	if err := t.claim(ctx, wanted); err != nil {
		return nil, err
	}
	held, _, err = t.look(ctx) // others may have been faster
	return held, err
}

// lease is a row that anyone may take.
type lease struct {
	address
	epoch int64
}

// look reads which partitions are this process's, and which nobody's.
func (t turn) look(ctx context.Context) (held map[address]int64, free []lease, err error) {
	rows, err := t.tx.Query(ctx, "SELECT topic, part, owner, epoch, until FROM relay_lease ORDER BY topic, part")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	held = make(map[address]int64)
	for rows.Next() {
		var row lease
		var owner string
		var until int64
		if err := rows.Scan(&row.topic, &row.part, &owner, &row.epoch, &until); err != nil {
			return nil, nil, err
		}
		switch {
		case until <= t.now:
			free = append(free, row)
		case owner == t.owner:
			held[row.address] = row.epoch
		}
	}
	return held, free, rows.Err()
}

// choose picks free rows until held meets the quota. Topics of another version
// have no quota here.
func choose(free []lease, held map[address]int64, quota map[string]int) []lease {
	lack := make(map[string]int)
	for topic, n := range quota {
		lack[topic] = n - count(held, topic)
	}
	var wanted []lease
	for _, row := range free {
		if lack[row.topic] > 0 {
			lack[row.topic]--
			wanted = append(wanted, row)
		}
	}
	return wanted
}

// claim takes rows by compare-and-set. What somebody else took first stays his.
func (t turn) claim(ctx context.Context, wanted []lease) error {
	rows := make([][]any, len(wanted))
	for i, w := range wanted {
		rows[i] = []any{w.topic, w.part, w.epoch, t.owner, t.end}
	}
	_, err := t.tx.UpdateMany(ctx, database.UpdateMany{
		Table:  "relay_lease",
		Key:    []string{"topic", "part"},
		Values: []string{"seen", "owner", "until"},
		Rows:   rows,
		Set:    map[string]string{"owner": "v.owner", "until": "v.until", "epoch": "v.seen + 1"},
		Where:  "t.epoch = v.seen",
	})
	return err
}
