package audit_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/paymentv1"
	"souk.example/contracts/pointsv1"
	"souk.example/internal/audit"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/inbox"
	"souk.example/pkg/outbox"
	"souk.example/pkg/saga"
	inventorydb "souk.example/services/inventory/migrations"
	orderdb "souk.example/services/order/migrations"
	paymentdb "souk.example/services/payment/migrations"
	pointsdb "souk.example/services/points/migrations"
)

const (
	buyer  = 77
	price  = 100
	funded = 1_000
	sku    = "SKU-1"
	stock  = 10
)

// shop is a hand-made souk at rest: the services' real tables, filled as the
// services would have.
type shop struct {
	t         testing.TB
	inventory *database.DB
	order     *database.DB
	payment   *database.DB
	points    *database.DB
	broker    *fakeBroker
	provider  audit.Provider // nil in a shop that takes no cards
	wait      time.Duration  // how long an audit waits
	packs     int64          // the last id given to a pack or a batch
}

func newShop(t testing.TB) *shop {
	t.Helper()
	open := func(own database.Migrations, more ...database.Migrations) *database.DB {
		return databasetest.Open(t, append(more, own, outbox.Migrations(), inbox.Migrations())...)
	}
	s := &shop{
		t: t, inventory: open(inventorydb.Set()), order: open(orderdb.Set(), saga.Migrations(), idempotency.Migrations()), payment: open(paymentdb.Set(), idempotency.Migrations()), points: open(pointsdb.Set()),
		broker: newFakeBroker(), wait: 200 * time.Millisecond, packs: 1_000_000,
	}
	s.insert(s.payment, "wallet", row{"user_id": buyer, "currency": "CNY", "balance": funded})
	s.insert(s.payment, "ledger_entry", row{
		"cause": "fund", "debit_account": "external:topup", "credit_account": wallet(), "amount": funded, "currency": "CNY", "at": 1,
	})
	s.insert(s.points, "points_account", row{"user_id": buyer, "balance": 0, "frozen": 0, "debt": 0})
	s.stockSKU()
	return s
}

func wallet() string { return fmt.Sprintf("wallet:%d", buyer) }

type row map[string]any

func (s *shop) insert(db *database.DB, table string, r row) {
	s.t.Helper()
	columns := slices.Sorted(maps.Keys(r))
	args := make([]any, len(columns))
	for i, c := range columns {
		args[i] = r[c]
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",")
	s.exec(db, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(columns, ","), marks), args...)
}

func (s *shop) exec(db *database.DB, query string, args ...any) {
	s.t.Helper()
	if n, err := db.Exec(s.t.Context(), query, args...); err != nil || n == 0 {
		s.t.Fatalf("%s: %d rows, %v", query, n, err)
	}
}

// tell logs events as one pack each, published and consumed.
func (s *shop) tell(db *database.DB, events ...eventbus.Event) {
	s.t.Helper()
	for _, e := range events {
		t, _ := contracts.TypeNamed(e.Type)
		pack, err := eventbus.Encode("souk/test", time.Unix(1, 0), []eventbus.Event{e})
		if err != nil {
			s.t.Fatal(err)
		}
		s.packs++
		part := contracts.Partition(e.Subject, contracts.Partitions)
		s.insert(db, "event_log", row{"id": s.packs, "topic": t.Topic, "part": part, "n": 1, "at": 1, "payload": pack})
		s.broker.end[t.Topic][part]++
	}
}

func (s *shop) event(t contracts.Type, order int64, m contracts.Message) eventbus.Event {
	s.t.Helper()
	e, err := contracts.NewEvent(t, order, m)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// items is one unit of the SKU at that price.
func items(price int64) []byte {
	return fmt.Appendf(nil, `[{"sku":%q,"quantity":1,"unit_price":%d}]`, sku, price)
}

// place stores an order in the given status with one unit of the SKU.
func (s *shop) place(id int64, status string, version int, r row) {
	s.t.Helper()
	o := row{
		"id": id, "user_id": buyer, "idem_key": fmt.Sprint(id), "fingerprint": []byte{1}, "status": status, "version": version,
		"facts": 0, "items": items(price), "total": price, "payable": price,
		"points_used": 0, "currency": "CNY", "payment_method": "wallet", "reason": "", "created_at": 1,
		"deadline": time.Now().Add(time.Hour).UnixMicro(), "reserved_at": 0, "paid_at": 0, "completed_at": 0, "closed_at": 0,
	}
	maps.Copy(o, r)
	s.insert(s.order, "orders", o)
	s.tell(s.order, s.event(contracts.OrderPlaced, id, &orderv1.OrderPlaced{OrderId: id, UserId: buyer, Version: 1}))
}

// completed makes an order that went all the way.
func (s *shop) completed(id int64) {
	s.t.Helper()
	s.place(id, "COMPLETED", 4, row{"reserved_at": 2, "paid_at": 3, "completed_at": 4})
	s.tell(s.order,
		s.event(contracts.OrderPaymentDue, id, &orderv1.OrderPaymentDue{OrderId: id, Version: 2}),
		s.event(contracts.OrderPaid, id, &orderv1.OrderPaid{OrderId: id, Version: 3}),
		s.event(contracts.OrderCompleted, id, &orderv1.OrderCompleted{OrderId: id, Version: 4}))
	s.reserve(id, "COMMITTED")
	s.tell(s.inventory, s.event(contracts.InventoryReserved, id, &inventoryv1.InventoryReserved{OrderId: id}))
	s.pay(id)
	s.award(id)
}

func (s *shop) pay(id int64) {
	s.t.Helper()
	s.insert(s.payment, "payment", row{
		"order_id": id, "user_id": buyer, "status": "CAPTURED", "method": "wallet", "amount": price, "currency": "CNY",
		"captured": price, "refunded": 0, "provider_ref": "", "reason": "", "created_at": 1, "updated_at": 1,
	})
	s.insert(s.payment, "ledger_entry", row{
		"cause": fmt.Sprintf("capture:%d", id), "debit_account": wallet(), "credit_account": "sales", "amount": price, "currency": "CNY", "at": 1,
	})
	s.exec(s.payment, "UPDATE wallet SET balance = balance - ?", price)
	s.tell(s.payment, s.event(contracts.PaymentCaptured, id, &paymentv1.PaymentCaptured{OrderId: id, Amount: price, Currency: "CNY"}))
}

func (s *shop) award(id int64) {
	s.t.Helper()
	s.insert(s.points, "points_entry", row{"order_id": id, "rule": "purchase", "cause_id": fmt.Sprint(id), "user_id": buyer, "amount": 1, "at": 1})
	s.exec(s.points, "UPDATE points_account SET balance = balance + 1")
	s.tell(s.points, s.event(contracts.PointsAwarded, id, &pointsv1.PointsAwarded{OrderId: id, UserId: buyer, Points: 1}))
}

// rejected makes an order that found the shelf empty.
func (s *shop) rejected(id int64) {
	s.t.Helper()
	s.place(id, "REJECTED", 2, row{"closed_at": 2, "reason": "out_of_stock"})
	s.tell(s.order, s.event(contracts.OrderRejected, id, &orderv1.OrderRejected{OrderId: id, Version: 2}))
	s.reserve(id, "REFUSED")
	s.tell(s.inventory, s.event(contracts.InventoryRejected, id, &inventoryv1.InventoryRejected{OrderId: id}))
}

// cancelled makes an order that could not be paid.
func (s *shop) cancelled(id int64) {
	s.t.Helper()
	s.place(id, "CANCELLED", 3, row{"reserved_at": 2, "closed_at": 3, "reason": "payment_failed"})
	s.tell(s.order,
		s.event(contracts.OrderPaymentDue, id, &orderv1.OrderPaymentDue{OrderId: id, Version: 2}),
		s.event(contracts.OrderCancelled, id, &orderv1.OrderCancelled{OrderId: id, Version: 3}))
	s.reserve(id, "RELEASED")
	s.tell(s.inventory, s.event(contracts.InventoryReserved, id, &inventoryv1.InventoryReserved{OrderId: id}))
	s.insert(s.payment, "payment", row{
		"order_id": id, "user_id": buyer, "status": "FAILED", "method": "wallet", "amount": price, "currency": "CNY",
		"captured": 0, "refunded": 0, "provider_ref": "", "reason": "insufficient_funds", "created_at": 1, "updated_at": 1,
	})
	s.tell(s.payment, s.event(contracts.PaymentFailed, id, &paymentv1.PaymentFailed{OrderId: id}))
}

// refunded makes an order that was cancelled while its money was being taken.
func (s *shop) refunded(id int64) {
	s.t.Helper()
	s.place(id, "CANCELLED", 4, row{"reserved_at": 2, "closed_at": 3, "refund_requested_at": 4, "refunded_at": 5, "reason": "user_cancelled"})
	s.tell(s.order,
		s.event(contracts.OrderPaymentDue, id, &orderv1.OrderPaymentDue{OrderId: id, Version: 2}),
		s.event(contracts.OrderCancelled, id, &orderv1.OrderCancelled{OrderId: id, Version: 3}),
		s.refundEvent(contracts.OrderRefundRequested, id, contracts.RefundLate(id), &orderv1.OrderRefundRequested{OrderId: id, Version: 4, RefundId: contracts.RefundLate(id)}))
	s.reserve(id, "RELEASED")
	s.tell(s.inventory, s.event(contracts.InventoryReserved, id, &inventoryv1.InventoryReserved{OrderId: id}))
	s.pay(id)
	s.refund(id)
}

// refund gives back what was taken for an order.
func (s *shop) refund(id int64) {
	s.t.Helper()
	s.refundAs(id, contracts.RefundLate(id))
}

// refundAs is refund under any id.
func (s *shop) refundAs(id int64, refund string) {
	s.t.Helper()
	s.insert(s.payment, "refund", row{
		"refund_id": refund, "order_id": id, "status": "REFUNDED", "amount": price, "currency": "CNY", "provider_ref": "", "created_at": 1, "updated_at": 1,
	})
	s.exec(s.payment, "UPDATE payment SET refunded = ? WHERE order_id = ?", price, id)
	s.insert(s.payment, "ledger_entry", row{
		"cause": "refund:" + refund, "debit_account": "sales", "credit_account": wallet(), "amount": price, "currency": "CNY", "at": 1,
	})
	s.exec(s.payment, "UPDATE wallet SET balance = balance + ?", price)
	s.tell(s.payment, s.refundEvent(contracts.PaymentRefunded, id, refund, &paymentv1.PaymentRefunded{OrderId: id, RefundId: refund, Amount: price, Currency: "CNY"}))
}

func (s *shop) refundEvent(t contracts.Type, order int64, refund string, m contracts.Message) eventbus.Event {
	s.t.Helper()
	e, err := contracts.NewRefundEvent(t, order, refund, m)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// redeemed makes an order that went all the way with a point for a part of it.
func (s *shop) redeemed(id int64) {
	s.t.Helper()
	s.completed(id)
	s.exec(s.order, "UPDATE orders SET items = ?, total = ?, points_used = 1 WHERE id = ?", items(price+1), price+1, id)
	s.freeze(id, "CONFIRMED", 1)
	s.tell(s.points, s.event(contracts.PointsFrozen, id, &pointsv1.PointsFrozen{OrderId: id, UserId: buyer, Points: 1}))
	s.insert(s.points, "points_entry", row{"order_id": id, "rule": "redeem", "cause_id": "paid", "user_id": buyer, "amount": -1, "at": 1})
	s.exec(s.points, "UPDATE points_account SET balance = balance - 1")
}

func (s *shop) freeze(id int64, status string, points int64) {
	s.t.Helper()
	s.insert(s.points, "points_freeze", row{"order_id": id, "user_id": buyer, "amount": points, "status": status, "at": 1, "updated_at": 1})
}

// audit runs the audit after everything logged was consumed.
func (s *shop) audit() (audit.Report, error) {
	s.t.Helper()
	s.consumeAll()
	return s.auditAsIs(s.t.Context())
}

func (s *shop) auditAsIs(ctx context.Context) (audit.Report, error) {
	return audit.Run(ctx, audit.Databases{Inventory: s.inventory, Order: s.order, Payment: s.payment, Points: s.points},
		s.broker, audit.Config{Provider: s.provider, Wait: s.wait})
}

func (s *shop) databases() map[string]*database.DB {
	return map[string]*database.DB{"inventory": s.inventory, "order": s.order, "payment": s.payment, "points": s.points}
}
