package audit_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"souk.example/contracts"
	"souk.example/contracts/inventoryv1"
	"souk.example/contracts/orderv1"
	"souk.example/contracts/paymentv1"
	"souk.example/internal/audit"
)

const (
	good     = 1001 // a completed order
	soldOut  = 1002 // a rejected one
	pennies  = 1003 // one that could not be paid
	another  = 1004 // a completed order
	regret   = 1006 // one that was cancelled as its money was taken, and refunded
	thrifty  = 1007 // a completed order that points have helped to pay
	stranger = 9999 // no order at all
)

// fullShop holds an order of every outcome.
func fullShop(t *testing.T) *shop {
	t.Helper()
	s := newShop(t)
	s.completed(good)
	s.rejected(soldOut)
	s.cancelled(pennies)
	s.completed(another)
	s.refunded(regret)
	s.redeemed(thrifty)
	return s
}

func TestAGoodShopIsClean(t *testing.T) {
	report, err := fullShop(t).audit()
	if err != nil || !report.Clean || !report.AtRest || report.Parked != 0 {
		t.Fatalf("%v, %+v", err, report)
	}
	want := audit.Checked{Orders: 6, Stock: 1, Payments: 5, Points: 3, Events: 37}
	if report.Checked != want {
		t.Errorf("checked %+v, want %+v", report.Checked, want)
	}
}

func TestAnEmptyShopIsClean(t *testing.T) {
	report, err := newShop(t).audit()
	if err != nil || !report.Clean || !report.AtRest {
		t.Errorf("%v, %+v", err, report)
	}
}

// Each of these breaks one promise in an otherwise good shop.
func TestEveryBrokenPromiseIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		plant     func(*shop)
		invariant audit.Invariant
		subject   string
	}{
		"stock was written without its condition": {
			func(s *shop) { s.exec(s.inventory, "UPDATE stock SET available = available - 1") },
			audit.Stock, "SKU-1",
		},
		"more was sold than there is": {
			func(s *shop) { s.exec(s.inventory, "UPDATE stock SET available = -1, sold = sold + available + 1") },
			audit.Stock, "SKU-1",
		},
		"a hold without a reservation": {
			func(s *shop) {
				s.exec(s.inventory, "UPDATE stock SET available = available - 1, reserved = reserved + 1")
			},
			audit.Stock, "SKU-1",
		},
		"a paid order whose hold was released": {
			func(s *shop) { s.release(good) },
			audit.Reservations, orderName(good),
		},
		"a cancelled order that still holds": {
			func(s *shop) { s.hold(pennies) },
			audit.Reservations, orderName(pennies),
		},
		"a reservation of no order": {
			func(s *shop) {
				s.reserve(stranger, "HELD")
				s.tell(s.inventory, s.event(contracts.InventoryReserved, stranger, &inventoryv1.InventoryReserved{OrderId: stranger}))
			},
			audit.Decisions, orderName(stranger),
		},
		"a second answer to a redelivered request": {
			func(s *shop) {
				s.tell(s.inventory, s.event(contracts.InventoryRejected, good, &inventoryv1.InventoryRejected{OrderId: good}))
			},
			audit.Events, orderName(good),
		},
		"a capture of part of the amount": {
			func(s *shop) { s.exec(s.payment, "UPDATE payment SET captured = 1 WHERE order_id = ?", good) },
			audit.Captures, orderName(good),
		},
		"a capture of another amount than was due": {
			func(s *shop) { s.exec(s.order, "UPDATE orders SET payable = 99 WHERE id = ?", good) },
			audit.Captures, orderName(good),
		},
		"a refund above the capture": {
			func(s *shop) { s.exec(s.payment, "UPDATE payment SET refunded = 101 WHERE order_id = ?", good) },
			audit.Captures, orderName(good),
		},
		"money taken from a cancelled order": {
			func(s *shop) {
				s.exec(s.payment, "DELETE FROM payment WHERE order_id = ?", pennies)
				s.pay(pennies)
			},
			audit.Captures, orderName(pennies),
		},
		"a completed order that nobody paid": {
			func(s *shop) { s.exec(s.payment, "DELETE FROM payment WHERE order_id = ?", good) },
			audit.Captures, orderName(good),
		},
		"a wallet that does not add up": {
			func(s *shop) { s.exec(s.payment, "UPDATE wallet SET balance = balance + 1") },
			audit.Ledger, "wallet:77",
		},
		"a charge without a payment": {
			func(s *shop) {
				s.insert(s.payment, "ledger_entry", row{
					"cause": "capture:9999", "debit_account": wallet(), "credit_account": "sales", "amount": 1, "currency": "CNY", "at": 1,
				})
				s.exec(s.payment, "UPDATE wallet SET balance = balance - 1")
			},
			audit.Ledger, orderName(stranger),
		},
		"points that do not add up": {
			func(s *shop) { s.exec(s.points, "UPDATE points_account SET balance = balance + 5") },
			audit.Ledger, "points of user 77",
		},
		"a rule that gave twice": {
			func(s *shop) {
				s.insert(s.points, "points_entry", row{"order_id": good, "rule": "purchase", "cause_id": "again", "user_id": buyer, "amount": 1, "at": 1})
				s.exec(s.points, "UPDATE points_account SET balance = balance + 1")
			},
			audit.Ledger, orderName(good),
		},
		"a reward of other points than the world was told": {
			func(s *shop) {
				s.exec(s.points, "UPDATE points_entry SET amount = amount + 5 WHERE order_id = ?", good)
				s.exec(s.points, "UPDATE points_account SET balance = balance + 5")
			},
			audit.Ledger, orderName(good),
		},
		"lines that cost something else": {
			func(s *shop) {
				s.exec(s.order, "UPDATE orders SET items = ? WHERE id = ?", `[{"sku":"SKU-1","quantity":1,"unit_price":999}]`, good)
			},
			audit.Captures, orderName(good),
		},
		"a reward for a cancelled order": {
			func(s *shop) { s.award(pennies) },
			audit.Ledger, orderName(pennies),
		},
		"a paid order without its reward": {
			func(s *shop) { s.exec(s.points, "DELETE FROM points_entry WHERE order_id = ?", good) },
			audit.Ledger, orderName(good),
		},
		"a refund that nobody asked for": {
			func(s *shop) { s.refund(good) },
			audit.Captures, orderName(good),
		},
		"a refund that was asked for and never made": {
			func(s *shop) {
				s.exec(s.payment, "DELETE FROM refund")
				s.exec(s.payment, "DELETE FROM ledger_entry WHERE cause LIKE 'refund:%'")
				s.exec(s.payment, "UPDATE wallet SET balance = balance - ?", price)
				s.exec(s.payment, "UPDATE payment SET refunded = 0")
			},
			audit.Captures, orderName(regret),
		},
		"a refund without its row": {
			func(s *shop) { s.exec(s.payment, "DELETE FROM refund") },
			audit.Ledger, "refund 1006:late",
		},
		"a refund that moved another amount": {
			func(s *shop) {
				s.exec(s.payment, "UPDATE ledger_entry SET amount = amount + 1 WHERE cause LIKE 'refund:%'")
				s.exec(s.payment, "UPDATE wallet SET balance = balance + 1")
			},
			audit.Ledger, "refund 1006:late",
		},
		"a refund that nobody put aside": {
			func(s *shop) { s.exec(s.payment, "UPDATE payment SET refunded = 0") },
			audit.Captures, orderName(regret),
		},
		"points and money that do not pay the total": {
			func(s *shop) { s.exec(s.order, "UPDATE orders SET points_used = 1 WHERE id = ?", good) },
			audit.Captures, orderName(good),
		},
		"points frozen for a closed order": {
			func(s *shop) {
				s.freeze(pennies, "FROZEN", 1)
				s.exec(s.points, "UPDATE points_account SET frozen = frozen + 1")
				s.exec(s.order, "UPDATE orders SET points_used = 1, payable = payable - 1 WHERE id = ?", pennies)
			},
			audit.Ledger, orderName(pennies),
		},
		"points frozen that no order uses": {
			func(s *shop) { s.exec(s.points, "UPDATE points_account SET frozen = 1") },
			audit.Ledger, "points of user 77",
		},
		"points redeemed without a freeze": {
			func(s *shop) { s.exec(s.points, "DELETE FROM points_freeze") },
			audit.Ledger, orderName(thrifty),
		},
		"points that paid, and were not taken": {
			func(s *shop) {
				s.exec(s.points, "DELETE FROM points_entry WHERE rule = 'redeem'")
				s.exec(s.points, "UPDATE points_account SET balance = balance + 1")
			},
			audit.Ledger, orderName(thrifty),
		},
		"an order undecided past its deadline": {
			func(s *shop) { s.place(1005, "PENDING", 1, row{"deadline": 1}) },
			audit.Decisions, "order 1005",
		},
		"an order that inventory never heard of": {
			func(s *shop) { s.place(1005, "PENDING", 1, nil) },
			audit.Reservations, "order 1005",
		},
		"an order that never heard of its capture": {
			func(s *shop) {
				s.place(1005, "RESERVED", 2, row{"reserved_at": 2})
				s.tell(s.order, s.event(contracts.OrderPaymentDue, 1005, &orderv1.OrderPaymentDue{OrderId: 1005, Version: 2}))
				s.reserve(1005, "HELD")
				s.tell(s.inventory, s.event(contracts.InventoryReserved, 1005, &inventoryv1.InventoryReserved{OrderId: 1005}))
				s.pay(1005)
			},
			audit.Captures, "order 1005",
		},
		"a status set without its event": {
			func(s *shop) {
				s.exec(s.order, "UPDATE orders SET status = 'CANCELLED', completed_at = 0, closed_at = 9 WHERE id = ?", good)
			},
			audit.Events, orderName(good),
		},
		"a version that counts other than the events": {
			func(s *shop) { s.exec(s.order, "UPDATE orders SET version = 5 WHERE id = ?", good) },
			audit.Identity, orderName(good),
		},
		"events of an order that is gone": {
			func(s *shop) { s.exec(s.order, "DELETE FROM orders WHERE id = ?", good) },
			audit.Events, orderName(good),
		},
		"an answer without its decision": {
			func(s *shop) {
				s.tell(s.payment, s.event(contracts.PaymentFailed, soldOut, &paymentv1.PaymentFailed{OrderId: soldOut}))
			},
			audit.Events, orderName(soldOut),
		},
		"an id given twice": {
			func(s *shop) {
				s.exec(s.order, "UPDATE event_log SET id = ? WHERE id = (SELECT MIN(id) FROM event_log)", good)
			},
			audit.Identity, fmt.Sprint(good),
		},
		"a ledger batch with the id of a pack": {
			func(s *shop) {
				s.exec(s.inventory, "UPDATE event_log SET id = (SELECT MIN(batch_id) FROM stock_ledger) WHERE id = (SELECT MIN(id) FROM event_log)")
			},
			audit.Identity, "id ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := fullShop(t)
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

func orderName(id int64) string { return fmt.Sprintf("order %d", id) }

func names(r audit.Report, inv audit.Invariant, subject string) bool {
	for _, v := range r.Violations {
		if v.Invariant == inv && strings.Contains(v.Subject, subject) {
			return true
		}
	}
	return false
}

func TestOffsetsThatRunAheadAreNamed(t *testing.T) {
	s := fullShop(t)
	s.consumeAll()
	s.broker.committed["payment"][contracts.TopicOrder][0]++
	report, err := s.auditAsIs(t.Context())
	if err != nil || !names(report, audit.Events, "group payment") {
		t.Errorf("committed above applied: %v, %+v", err, report)
	}

	s = fullShop(t)
	s.consumeAll()
	s.exec(s.payment, "UPDATE consumer_progress SET next_offset = 1000 WHERE grp = 'payment'")
	report, err = s.auditAsIs(t.Context())
	if err != nil || !names(report, audit.Events, "group payment") {
		t.Errorf("applied above the end of the log: %v, %+v", err, report)
	}
}

// Kafka's offset may stay behind for ever when the last commit was refused:
// what counts as caught up is what the group's database has applied.
func TestARefusedLastCommitIsNotWaitedFor(t *testing.T) {
	s := fullShop(t)
	s.consumeAll()
	for _, byTopic := range s.broker.committed {
		clear(byTopic)
	}
	report, err := s.auditAsIs(t.Context())
	if err != nil || !report.Clean || !report.AtRest {
		t.Errorf("%v, %+v", err, report)
	}
}

// What is on its way is neither a violation nor clean: it is waited for.
func TestWhatDoesNotArriveCannotBeChecked(t *testing.T) {
	s := fullShop(t)
	s.consumeAll()
	s.place(1005, "PENDING", 1, nil) // told, but consumed by nobody
	_, err := s.auditAsIs(t.Context())
	var stuck *audit.NotSettledError
	if !errors.As(err, &stuck) || !strings.Contains(stuck.What, "group") {
		t.Errorf("a group that stands still: %v", err)
	}

	s = fullShop(t)
	s.exec(s.order, "INSERT INTO outbox (topic, part, id) SELECT topic, part, id FROM event_log")
	_, err = s.audit()
	if !errors.As(err, &stuck) || !strings.Contains(stuck.What, "order's outbox") {
		t.Errorf("an outbox that stands still: %v", err)
	}
}

// An order may be on its way in both passes: it has moved on from one difference
// to another, and is no violation.
func TestAnOrderThatMovesOnIsNoViolation(t *testing.T) {
	s := fullShop(t)
	s.place(1005, "PENDING", 1, nil) // it has not heard of its reservation
	s.reserve(1005, "HELD")
	s.tell(s.inventory, s.event(contracts.InventoryReserved, 1005, &inventoryv1.InventoryReserved{OrderId: 1005}))
	s.broker.asked = func() { // inventory has not heard that it is paid
		s.broker.asked = nil
		s.exec(s.order, "UPDATE orders SET status = 'PAID', version = 3, reserved_at = 2, paid_at = 3 WHERE id = 1005")
		s.pay(1005)
		s.award(1005)
		s.consumeAll()
	}
	report, err := s.audit()
	if err != nil || !report.Clean || report.AtRest {
		t.Errorf("%v, %+v", err, report)
	}
}

// What is said to be at rest has been read at rest.
func TestWhatComesToRestMeanwhileIsReadAgain(t *testing.T) {
	s, calls := fullShop(t), 0
	before, err := s.audit()
	if err != nil {
		t.Fatal(err)
	}
	s.broker.asked = func() {
		if calls++; calls > len(contracts.Topics()) { // everything has been read once
			s.broker.asked = nil
			s.completed(1005)
			s.consumeAll()
		}
	}
	report, err := s.audit()
	if err != nil || !report.AtRest || report.Checked.Orders != before.Checked.Orders+1 || report.Checked.Points != before.Checked.Points+1 {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestCertainViolationsAreReportedEvenSo(t *testing.T) {
	s := fullShop(t)
	s.exec(s.payment, "UPDATE wallet SET balance = -1")
	s.exec(s.order, "INSERT INTO outbox (topic, part, id) SELECT topic, part, id FROM event_log")
	report, err := s.audit()
	if err == nil || !names(report, audit.Ledger, "wallet:77") {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestParkedOrdersAreListedApart(t *testing.T) {
	s := fullShop(t)
	s.place(1005, "PENDING", 1, nil)
	s.insert(s.inventory, "parked_key", row{"grp": "inventory", "k": "1005"})
	s.insert(s.inventory, "dead_letter", row{
		"id": 1, "grp": "inventory", "topic": contracts.TopicOrder, "part": 0, "log_offset": 1, "pos": 0, "k": "1005",
		"event_source": "souk/order", "event_id": "1005-1", "event_type": "order.placed.v1", "payload": []byte{1}, "error_class": "permanent",
		"error": "", "attempts": 1, "next_attempt_at": 1, "status": "WAITING", "resolved_by": "", "copied": 0,
	})
	report, err := s.audit()
	if err != nil || !report.Clean || report.Parked != 1 {
		t.Errorf("%v, %+v", err, report)
	}
}
