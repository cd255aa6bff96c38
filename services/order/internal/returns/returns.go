// Package returns carries out the return of an order: a saga (pkg/saga) that
// asks payment, inventory and points, one after the other, each for its part.
//
// There is only forward: a refund is never declined (its amount was captured
// and is reserved), and what the others are asked for always succeeds. Who
// does not answer is asked again, with the same event and the nudge flag, and
// repeats its recorded reply; who does not answer for good leaves the saga
// STUCK, for an operator.
package returns

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"souk.example/pkg/database"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/store"
)

// sagaType and the steps stand in the database.
const (
	sagaType    = "return"
	stepRefund  = "refund"
	stepRestock = "restock"
	stepPoints  = "points"
	stepFinish  = "finish"
)

// Desk takes returns in and sees them through. Safe for concurrent use, also by
// several processes on one database.
type Desk struct {
	db       *database.DB
	store    *store.Store
	returner *order.Returner
	engine   *saga.Engine
}

// New makes a Desk over db, which is the store's.
func New(db *database.DB, s *store.Store, r *order.Returner, cfg saga.Config, t *telemetry.Telemetry) (*Desk, error) {
	d := &Desk{db: db, store: s, returner: r}
	var err error
	d.engine, err = saga.New(db, cfg, t, d.definition())
	return d, err
}

// definition is what a return takes. Money goes first: once it is promised,
// the rest follows. A saga has its order's id.
func (d *Desk) definition() saga.Definition {
	return saga.Definition{Type: sagaType, Pivot: stepRefund, Steps: []saga.Step{
		{Name: stepRefund, Do: d.ask(order.Refunded)},
		{Name: stepRestock, Do: d.ask(order.Restocked)},
		{Name: stepPoints, Do: d.ask(order.PointsReversed)},
		{Name: stepFinish, Do: d.finish},
	}}
}

// stepOf is the step that waits for a fact.
func stepOf(part order.Fact) (step string, ok bool) {
	step, ok = map[order.Fact]string{
		order.Refunded: stepRefund, order.Restocked: stepRestock, order.PointsReversed: stepPoints,
	}[part]
	return step, ok
}

func (d *Desk) ask(part order.Fact) saga.Func {
	return func(ctx context.Context, tx *database.Tx, c saga.Call) (saga.Progress, error) {
		id, err := orderOf(c)
		if err != nil {
			return saga.Waiting, err
		}
		waits, err := d.returner.Ask(ctx, d.store.Unit(tx), id, part)
		if err != nil || waits {
			return saga.Waiting, err
		}
		return saga.Done, nil
	}
}

func (d *Desk) finish(ctx context.Context, tx *database.Tx, c saga.Call) (saga.Progress, error) {
	id, err := orderOf(c)
	if err != nil {
		return saga.Waiting, err
	}
	return saga.Done, d.returner.Finish(ctx, d.store.Unit(tx), id)
}

func orderOf(c saga.Call) (order.ID, error) {
	id, err := strconv.ParseInt(c.Saga, 10, 64)
	return order.ID(id), err
}

func sagaOf(id order.ID) string { return strconv.FormatInt(int64(id), 10) }

// Run sees returns through until ctx ends. Call it once.
func (d *Desk) Run(ctx context.Context) error { return d.engine.Run(ctx) }

// route scopes the idempotency keys of returns.
const route = "POST /v1/orders/{id}/return"

// receiptJSON is an answer as the idempotency table keeps it.
type receiptJSON struct {
	Order  int64  `json:"order"`
	Status string `json:"status"`
}

// Return takes an order back for its owner, once: the order is RETURNING, that
// is told, and the saga begins, in one transaction. A key that has returned an
// order already gets the answer of that time. ErrNotFound stands for somebody
// else's order as well; other refusals are *apperr.Error and leave nothing.
func (d *Desk) Return(ctx context.Context, req order.ReturnOrder) (order.ReturnReceipt, error) {
	if err := req.Validate(); err != nil {
		return order.ReturnReceipt{}, err
	}
	once := idempotency.Request{UserID: int64(req.Key.User), Route: route, Key: req.Key.Key, Fingerprint: req.Fingerprint}
	kept, replayed, err := idempotency.Do(ctx, d.db, once, func(ctx context.Context, tx *database.Tx) (receiptJSON, error) {
		return d.begin(ctx, tx, req)
	})
	return order.ReturnReceipt{Order: order.ID(kept.Order), Status: order.Status(kept.Status), Replayed: replayed}, err
}

func (d *Desk) begin(ctx context.Context, tx *database.Tx, req order.ReturnOrder) (receiptJSON, error) {
	s, err := d.returner.Begin(ctx, d.store.Unit(tx), req.Order, req.Key.User)
	if err != nil {
		return receiptJSON{}, err
	}
	_, err = d.engine.Start(ctx, tx, sagaType, sagaOf(s.ID), []byte(req.Why))
	return receiptJSON{Order: int64(s.ID), Status: string(s.Status)}, err
}

// Hear gives sagas the replies among the reports that they wait for. It goes
// before whatever locks orders in tx: a saga is locked before its order
// wherever both are, and sagas in the order of their ids.
func (d *Desk) Hear(ctx context.Context, tx *database.Tx, reports []order.Report) error {
	for _, r := range repliesAmong(reports) {
		step, _ := stepOf(r.Fact)
		if _, err := d.engine.Signal(ctx, tx, saga.Reply{Saga: sagaOf(r.Order), Step: step, Op: saga.Action}); err != nil {
			return err
		}
	}
	return nil
}

func repliesAmong(reports []order.Report) (replies []order.Report) {
	for _, r := range reports {
		if _, ok := stepOf(r.Fact); ok {
			replies = append(replies, r)
		}
	}
	slices.SortStableFunc(replies, func(a, b order.Report) int { return cmp.Compare(a.Order, b.Order) })
	return replies
}
