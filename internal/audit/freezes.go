package audit

import (
	"context"
	"slices"

	"souk.example/contracts"
)

// freezeRow is what points decided about the points that an order uses.
type freezeRow struct {
	order, user, amount int64
	status              string
}

const selectFreezes = "SELECT order_id, user_id, amount, status FROM points_freeze ORDER BY order_id"

func (z *freezeRow) fields() []any { return []any{&z.order, &z.user, &z.amount, &z.status} }

// The statuses of a freeze that only points knows.
const (
	frozen    = "FROZEN"
	confirmed = "CONFIRMED"
	cancelled = "CANCELLED"
)

// tombstone tells a cancel that came before anything was frozen.
func (z *freezeRow) tombstone() bool { return z.status == cancelled && z.amount == 0 }

// answer is what order was told of the freeze.
func (z *freezeRow) answer() steps {
	switch {
	case z.tombstone():
		return 0
	case z.status == refused:
		return stepsOf(contracts.PointsRefused)
	}
	return stepsOf(contracts.PointsFrozen)
}

// checkFreezes holds freezes against the entries (4): what was confirmed was
// redeemed, to the point, and nothing else was. It returns what order must have
// been told of each.
func checkFreezes(ctx context.Context, q querier, f *findings) (map[int64]steps, error) {
	redeemed, err := readRedeemed(ctx, q)
	if err != nil {
		return nil, err
	}
	answers := map[int64]steps{}
	var z freezeRow
	err = each(ctx, q, selectFreezes, z.fields(), func() error {
		spent := int64(0)
		if z.status == confirmed {
			spent = z.amount
		}
		if redeemed[z.order] != spent {
			f.violated(Ledger, orderSubject(z.order), "%d points are %s, the entries redeemed %d", z.amount, z.status, redeemed[z.order])
		}
		delete(redeemed, z.order)
		answers[z.order] = z.answer()
		return nil
	})
	for order, points := range redeemed {
		f.violated(Ledger, orderSubject(order), "%d points were redeemed, but none were frozen", points)
	}
	return answers, err
}

// readRedeemed is how many points each order used up by the entries.
func readRedeemed(ctx context.Context, q querier) (map[int64]int64, error) {
	redeemed := map[int64]int64{}
	var order, sum int64
	err := each(ctx, q, "SELECT order_id, SUM(amount) FROM points_entry WHERE rule = 'redeem' AND cause_id <> 'returned' GROUP BY order_id",
		[]any{&order, &sum}, func() error {
			redeemed[order] = -sum
			return nil
		})
	return redeemed, err
}

// frozenByUser adds up what is promised to open orders.
func frozenByUser(ctx context.Context, q querier) (map[int64]int64, error) {
	sums := map[int64]int64{}
	var user, sum int64
	err := each(ctx, q, "SELECT user_id, SUM(amount) FROM points_freeze WHERE status = 'FROZEN' GROUP BY user_id",
		[]any{&user, &sum}, func() error {
			sums[user] = sum
			return nil
		})
	return sums, err
}

// compareFreeze holds the points that an order uses against what points has
// set aside for it (4).
func compareFreeze(o *orderRow, z *freezeRow, f *findings) {
	if o.pointsUsed == 0 {
		if z != nil && !z.tombstone() {
			f.suspect(Ledger, o.id, "it uses no points, but %d are %s", z.amount, z.status)
		}
		return
	}
	if z == nil {
		f.suspect(Ledger, o.id, "it uses %d points, points has decided nothing: it is %s", o.pointsUsed, o.status)
		return
	}
	agreed := map[string][]string{
		"PENDING":   {frozen},
		"RESERVED":  {frozen},
		"PAID":      {confirmed},
		"COMPLETED": {confirmed},
		"REJECTED":  {cancelled, refused},
		"CANCELLED": {cancelled, refused},
		"RETURNING": {confirmed},
		"RETURNED":  {confirmed},
	}[o.status]
	if !slices.Contains(agreed, z.status) {
		f.suspect(Ledger, o.id, "order and points disagree: order %s, points %s", o.status, z.status)
	}
	if !z.tombstone() && (z.amount != o.pointsUsed || z.user != o.user) {
		f.suspect(Ledger, o.id, "it uses %d points of user %d, %s are %d of user %d", o.pointsUsed, o.user, z.status, z.amount, z.user)
	}
}
