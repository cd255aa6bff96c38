package audit_test

import (
	"fmt"
	"testing"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/pointsv1"
	"souk.example/internal/audit"
)

const (
	unfit = 1010 // an order that was returned
	going = 1011 // one that is being returned, and waits for its refund
)

// requestReturn makes a completed order RETURNING, and asks for its refund.
func (s *shop) requestReturn(id int64) {
	s.t.Helper()
	s.redeemed(id)
	s.exec(s.order, "UPDATE orders SET status = 'RETURNING', reason = 'returned', version = 6, return_requested_at = 5, refund_requested_at = 6 WHERE id = ?", id)
	s.tell(s.order,
		s.event(contracts.OrderReturnRequested, id, &orderv1.OrderReturnRequested{OrderId: id, Version: 5}),
		s.refundEvent(contracts.OrderRefundRequested, id, contracts.RefundReturn(id), &orderv1.OrderRefundRequested{
			OrderId: id, Version: 6, RefundId: contracts.RefundReturn(id),
		}))
	s.insert(s.order, "idempotency", row{
		"user_id": buyer, "route": "POST /v1/orders/{id}/return", "k": fmt.Sprint(id), "fingerprint": []byte{1}, "response": []byte("{}"), "at": 1,
	})
	s.insert(s.order, "saga", row{
		"id": fmt.Sprint(id), "type": "return", "step": "refund", "op": "action", "status": "RUNNING", "version": 2, "due": 1, "attempts": 1,
		"last_error": "", "data": []byte("it does not fit"), "started_at": 1, "updated_at": 1,
	})
}

// returned makes an order that was returned.
func (s *shop) returned(id int64) {
	s.t.Helper()
	s.requestReturn(id)
	s.refundAs(id, contracts.RefundReturn(id))
	s.restock(id)
	s.reverse(id)
	s.exec(s.order, "UPDATE orders SET status = 'RETURNED', version = 9, refunded_at = 7, restock_requested_at = 7, reversal_requested_at = 8, returned_at = 9 WHERE id = ?", id)
	s.exec(s.order, "UPDATE saga SET status = 'COMPLETED', step = 'finish' WHERE id = ?", fmt.Sprint(id))
	s.tell(s.order,
		s.event(contracts.OrderRestockRequested, id, &orderv1.OrderRestockRequested{OrderId: id, Version: 7}),
		s.event(contracts.OrderPointsReversalRequested, id, &orderv1.OrderPointsReversalRequested{OrderId: id, Version: 8}),
		s.event(contracts.OrderReturned, id, &orderv1.OrderReturned{OrderId: id, Version: 9}))
	s.tell(s.inventory, s.event(contracts.InventoryRestocked, id, &inventoryv1.InventoryRestocked{OrderId: id}))
	s.tell(s.points, s.event(contracts.PointsReversed, id, &pointsv1.PointsReversed{OrderId: id, UserId: buyer, Taken: 1, Given: 1}))
}

// restock puts a sold unit back on the shelf.
func (s *shop) restock(id int64) {
	s.t.Helper()
	s.exec(s.inventory, "UPDATE reservation SET status = 'RETURNED' WHERE order_id = ?", id)
	s.exec(s.inventory, "UPDATE stock SET available = available + 1, sold = sold - 1")
	s.move("restock", 1, 0, -1, 0)
}

// reverse undoes the entries of a redeemed order.
func (s *shop) reverse(id int64) {
	s.t.Helper()
	for rule, amount := range map[string]int{"purchase": -1, "redeem": 1} {
		s.insert(s.points, "points_entry", row{"order_id": id, "rule": rule, "cause_id": "returned", "user_id": buyer, "amount": amount, "at": 1})
	}
}

// returningShop is a full one with returns, one of them under way.
func returningShop(t *testing.T) *shop {
	t.Helper()
	s := fullShop(t)
	s.returned(unfit)
	s.requestReturn(going)
	s.refundAs(going, contracts.RefundReturn(going))
	return s
}

func TestReturnsAreClean(t *testing.T) {
	s := returningShop(t)
	if report, err := s.audit(); err != nil || !report.Clean || report.AtRest || report.Stuck != 0 {
		t.Errorf("%v, %+v", err, report)
	}
	s.exec(s.order, "UPDATE saga SET status = 'STUCK' WHERE status = 'RUNNING'")
	if report, err := s.audit(); err != nil || !report.Clean || report.AtRest || report.Stuck != 1 {
		t.Errorf("%v, %+v", err, report)
	}
	s = fullShop(t)
	s.returned(unfit)
	if report, err := s.audit(); err != nil || !report.Clean || !report.AtRest {
		t.Errorf("%v, %+v", err, report)
	}
}

// Points that were gone when they were to be taken are lent, and owed.
func TestADebtIsClean(t *testing.T) {
	s := returningShop(t)
	s.insert(s.points, "points_entry", row{"order_id": unfit, "rule": "debt", "cause_id": "returned", "user_id": buyer, "amount": 3, "at": 1})
	s.exec(s.points, "UPDATE points_account SET balance = balance + 3, debt = 3")
	if report, err := s.audit(); err != nil || !report.Clean {
		t.Errorf("%v, %+v", err, report)
	}
}

// Each of these breaks one promise about a return.
func TestEveryBrokenPromiseOfAReturnIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		plant     func(*shop)
		invariant audit.Invariant
		subject   string
	}{
		"restocked twice": {
			func(s *shop) { s.restock(unfit) },
			audit.Stock, sku,
		},
		"restocked, and not decided": {
			func(s *shop) {
				s.exec(s.inventory, "UPDATE reservation SET status = 'COMMITTED' WHERE order_id = ?", unfit)
			},
			audit.Stock, sku,
		},
		"returned, and its units are still sold": {
			func(s *shop) {
				s.exec(s.inventory, "UPDATE reservation SET status = 'COMMITTED' WHERE order_id = ?", unfit)
				s.exec(s.inventory, "UPDATE stock SET available = available - 1, sold = sold + 1")
				s.move("commit", -1, 0, 1, 0)
			},
			audit.Reservations, orderName(unfit),
		},
		"restocked without a return": {
			func(s *shop) { s.restock(good) },
			audit.Reservations, orderName(good),
		},
		"points not reversed": {
			func(s *shop) {
				s.exec(s.points, "DELETE FROM points_entry WHERE order_id = ? AND cause_id = 'returned'", unfit)
			},
			audit.Ledger, orderName(unfit),
		},
		"points reversed in part": {
			func(s *shop) {
				s.exec(s.points, "DELETE FROM points_entry WHERE order_id = ? AND cause_id = 'returned' AND rule = 'redeem'", unfit)
				s.exec(s.points, "UPDATE points_account SET balance = balance - 1")
			},
			audit.Ledger, orderName(unfit),
		},
		"points reversed without a return": {
			func(s *shop) { s.reverse(thrifty) },
			audit.Ledger, orderName(thrifty),
		},
		"a debt that nobody lent": {
			func(s *shop) { s.exec(s.points, "UPDATE points_account SET debt = 1") },
			audit.Ledger, "points of user 77",
		},
		"a debt that is forgotten": {
			func(s *shop) {
				s.insert(s.points, "points_entry", row{"order_id": unfit, "rule": "debt", "cause_id": "returned", "user_id": buyer, "amount": 3, "at": 1})
				s.exec(s.points, "UPDATE points_account SET balance = balance + 3")
			},
			audit.Ledger, "points of user 77",
		},
		"a refund asked under two ids": {
			func(s *shop) {
				s.tell(s.order, s.refundEvent(contracts.OrderRefundRequested, unfit, contracts.RefundLate(unfit), &orderv1.OrderRefundRequested{
					OrderId: unfit, Version: 6, RefundId: contracts.RefundLate(unfit),
				}))
			},
			audit.Captures, orderName(unfit),
		},
		"a refund made under two ids": {
			func(s *shop) { s.refundAs(unfit, contracts.RefundLate(unfit)) },
			audit.Captures, orderName(unfit),
		},
		"money that was never given back": {
			func(s *shop) {
				s.exec(s.payment, "DELETE FROM refund WHERE order_id = ?", unfit)
				s.exec(s.payment, "DELETE FROM ledger_entry WHERE cause = ?", "refund:"+contracts.RefundReturn(unfit))
				s.exec(s.payment, "UPDATE wallet SET balance = balance - ?", price)
				s.exec(s.payment, "UPDATE payment SET refunded = 0 WHERE order_id = ?", unfit)
			},
			audit.Captures, orderName(unfit),
		},
		"returning, and no saga sees to it": {
			func(s *shop) { s.exec(s.order, "DELETE FROM saga WHERE id = ?", fmt.Sprint(going)) },
			audit.Decisions, orderName(going),
		},
		"returning, and the saga has ended": {
			func(s *shop) { s.exec(s.order, "UPDATE saga SET status = 'COMPLETED'") },
			audit.Decisions, orderName(going),
		},
		"a saga of a completed order": {
			func(s *shop) {
				s.exec(s.order, "UPDATE saga SET id = ? WHERE id = ?", fmt.Sprint(good), fmt.Sprint(unfit))
			},
			audit.Decisions, orderName(good),
		},
		"a saga of no order": {
			func(s *shop) {
				s.exec(s.order, "UPDATE saga SET id = ? WHERE id = ?", fmt.Sprint(stranger), fmt.Sprint(unfit))
			},
			audit.Decisions, orderName(stranger),
		},
		"returned without its events": {
			func(s *shop) {
				s.exec(s.order, "UPDATE orders SET status = 'RETURNED' WHERE id = ?", going)
				s.exec(s.order, "UPDATE saga SET status = 'COMPLETED'")
			},
			audit.Events, orderName(going),
		},
		"a time that no event tells of": {
			func(s *shop) { s.exec(s.order, "UPDATE orders SET restock_requested_at = 7 WHERE id = ?", going) },
			audit.Identity, orderName(going),
		},
		"one key for two returns": {
			func(s *shop) { s.exec(s.order, "DELETE FROM idempotency WHERE k = ?", fmt.Sprint(going)) },
			audit.Keys, "returns",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := returningShop(t)
			c.plant(s)
			report, err := s.audit()
			if err != nil {
				t.Fatal(err)
			}
			if report.Clean || !names(report, c.invariant, c.subject) {
				t.Errorf("want %q about %q, got %+v", c.invariant, c.subject, report.Violations)
			}
		})
	}
}
