package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"souk.example/pkg/database"
	"souk.example/services/order/internal/order"
)

// Lock implements order.Unit. Ids come in ascending order, and so are the row
// locks taken: two batches that lock never wait for each other in a circle.
func (u unit) Lock(ctx context.Context, ids []order.ID) (map[order.ID]*order.State, error) {
	in, args := database.In(ids)
	states, err := u.query(ctx, "WHERE id IN "+in+" ORDER BY id"+u.tx.ForUpdate(), args...)
	if err != nil {
		return nil, fmt.Errorf("lock %d orders: %w", len(ids), err)
	}
	found := make(map[order.ID]*order.State, len(states))
	for _, s := range states {
		found[s.ID] = s
	}
	return found, nil
}

// Save implements order.Unit. Orders that went the same way are updated by one
// statement, on the condition that they still are what was read. Under a lock
// they are, so a miscount is a bug and fails the batch; what was recalled may
// have changed, and no lock says in which order its rows are locked: ways go by
// their first ids, and of two batches that wait for each other in a circle the
// database ends one, which runs again.
func (u unit) Save(ctx context.Context, updates []order.Update) error {
	for _, w := range waysOf(updates) {
		if err := u.apply(ctx, w.move, w.ids); errors.Is(err, errMoved) {
			return u.Mistrust(recalled(updates))
		} else if err != nil {
			return err
		}
	}
	if err := u.listWaiting(ctx, updates); err != nil {
		return err
	}
	u.tellReleased(updates)
	u.timeCompleted(ctx, updates)
	u.countEntered(enteredBy(updates))
	u.remember(updates)
	return u.emitChanges(ctx, updates)
}

func (u unit) tellReleased(updates []order.Update) {
	if u.listener == nil {
		return
	}
	var released []order.Release
	for _, up := range updates {
		if r, ok := up.Releases(); ok {
			released = append(released, r)
		}
	}
	if len(released) > 0 {
		u.tx.OnCommit(func() { u.listener.Release(released) })
	}
}

// errMoved: an order is not what was recalled of it.
var errMoved = errors.New("an order has moved since")

// recalled lists the orders that were not locked.
func recalled(updates []order.Update) (ids []order.ID) {
	for _, up := range updates {
		if up.Recalled {
			ids = append(ids, up.After.ID)
		}
	}
	return ids
}

// way is a move and the orders that make it.
type way struct {
	move
	ids []order.ID
}

// waysOf sorts updates by their moves. Updates come in the order of ids, and so
// do ways by their first ones.
func waysOf(updates []order.Update) (ways []way) {
	at := make(map[move]int)
	for _, up := range updates {
		m := moveOf(up)
		i, known := at[m]
		if !known {
			i = len(ways)
			at[m], ways = i, append(ways, way{move: m})
		}
		ways[i].ids = append(ways[i].ids, up.After.ID)
	}
	return ways
}

// move is the way an update takes an order: equal moves are one statement.
type move struct {
	fromStatus, toStatus   order.Status
	fromVersion, toVersion int64
	fromFacts, toFacts     order.Facts
	reason                 string
	recalled               bool

	// Times set now; 0 leaves the column.
	reservedAt, paidAt, completedAt, closedAt, refundRequestedAt, refundedAt int64
	returnRequestedAt, restockRequestedAt, reversalRequestedAt, returnedAt   int64
}

func moveOf(up order.Update) move {
	b, a := up.Before, up.After
	return move{
		fromStatus: b.Status, toStatus: a.Status, fromVersion: b.Version, toVersion: a.Version,
		fromFacts: b.Facts, toFacts: a.Facts, reason: a.Reason, recalled: up.Recalled,
		reservedAt: fresh(b.ReservedAt, a.ReservedAt), paidAt: fresh(b.PaidAt, a.PaidAt),
		completedAt: fresh(b.CompletedAt, a.CompletedAt), closedAt: fresh(b.ClosedAt, a.ClosedAt),
		refundRequestedAt: fresh(b.RefundRequestedAt, a.RefundRequestedAt), refundedAt: fresh(b.RefundedAt, a.RefundedAt),
		returnRequestedAt: fresh(b.Return.RequestedAt, a.Return.RequestedAt), restockRequestedAt: fresh(b.Return.RestockRequestedAt, a.Return.RestockRequestedAt),
		reversalRequestedAt: fresh(b.Return.ReversalRequestedAt, a.Return.ReversalRequestedAt), returnedAt: fresh(b.Return.DoneAt, a.Return.DoneAt),
	}
}

// fresh is the time an update set, or 0 where it left it alone.
func fresh(before, after time.Time) int64 {
	if before.Equal(after) {
		return 0
	}
	return micros(after)
}

func (u unit) apply(ctx context.Context, m move, ids []order.ID) error {
	set := "UPDATE orders SET status = ?, version = ?, facts = ?, reason = ?"
	args := []any{string(m.toStatus), m.toVersion, uint32(m.toFacts), m.reason}
	for column, at := range map[string]int64{
		"reserved_at": m.reservedAt, "paid_at": m.paidAt, "completed_at": m.completedAt, "closed_at": m.closedAt,
		"refund_requested_at": m.refundRequestedAt, "refunded_at": m.refundedAt,
		"return_requested_at": m.returnRequestedAt, "restock_requested_at": m.restockRequestedAt,
		"reversal_requested_at": m.reversalRequestedAt, "returned_at": m.returnedAt,
	} {
		if at != 0 {
			set += ", " + column + " = ?"
			args = append(args, at)
		}
	}
	in, idArgs := database.In(ids)
	args = append(append(args, idArgs...), string(m.fromStatus), m.fromVersion, uint32(m.fromFacts))
	n, err := u.tx.Exec(ctx, set+" WHERE id IN "+in+" AND status = ? AND version = ? AND facts = ?", args...)
	if err != nil {
		return fmt.Errorf("move %d orders from %s to %s: %w", len(ids), m.fromStatus, m.toStatus, err)
	}
	if n != int64(len(ids)) && m.recalled {
		return errMoved
	}
	if n != int64(len(ids)) {
		return fmt.Errorf("move orders from %s to %s: %d of %d still were so", m.fromStatus, m.toStatus, n, len(ids))
	}
	return nil
}
