package order_test

import (
	"pgregory.net/rapid"

	"souk.example/services/order/internal/order"
)

// What inventory, payment and points do with an order's events, as far as
// order can tell.

func (s *saga) inventory(t *rapid.T, l letter) {
	reply := map[string]order.Fact{"held": order.StockReserved, "committed": order.StockReserved, "returned": order.StockReserved, "refused": order.StockRefused}
	switch {
	case l.event == placed && s.stock == "":
		s.stock = rapid.SampledFrom([]string{"held", "held", "refused"}).Draw(t, "stock")
		s.report(reply[s.stock])
	case l.event == placed && l.nudged:
		if f, answered := reply[s.stock]; answered {
			s.report(f)
		}
	case (l.event == paid || l.event == restockAsked) && s.stock != "held" && s.stock != "committed" && s.stock != "returned":
		t.Fatalf("%s, and the stock is %q", l.event, s.stock)
	case l.event == paid && s.stock == "held":
		s.stock = "committed"
	case l.event == restockAsked && (s.stock != "returned" || l.nudged):
		s.stock = "returned"
		s.report(order.Restocked)
	case (l.event == cancelled || l.event == rejected) && (s.stock == "committed" || s.stock == "returned"):
		t.Fatalf("%s, and the stock is sold", l.event)
	case (l.event == cancelled || l.event == rejected) && s.stock != "refused":
		s.stock = "released"
	}
}

func (s *saga) pointsService(t *rapid.T, l letter) {
	uses := s.o.State().PointsUsed > 0
	reply := map[string]order.Fact{"frozen": order.PointsFrozen, "confirmed": order.PointsFrozen, "refused": order.PointsRefused}
	switch {
	case l.event == placed && uses && s.points == "":
		s.points = rapid.SampledFrom([]string{"frozen", "frozen", "refused"}).Draw(t, "freeze")
		s.report(reply[s.points])
	case l.event == placed && uses && l.nudged:
		if f, answered := reply[s.points]; answered {
			s.report(f)
		}
	case l.event == paid && uses && s.points != "frozen" && s.points != "confirmed":
		t.Fatalf("paid, and the points are %q", s.points)
	case l.event == paid:
		if uses {
			s.points = "confirmed"
		}
		if s.awards == 0 || l.nudged {
			s.awards = 1
			s.report(order.PointsAwarded)
		}
	case l.event == reversalAsked && s.awards == 0:
		t.Fatalf("a reversal is asked for, and nothing was awarded")
	case l.event == reversalAsked && (s.reversals == 0 || l.nudged):
		s.reversals = 1
		s.report(order.PointsReversed)
	case (l.event == cancelled || l.event == rejected) && s.points == "confirmed":
		t.Fatalf("%s, and the points are used", l.event)
	case (l.event == cancelled || l.event == rejected) && s.points != "refused":
		s.points = "cancelled"
	}
}

func (s *saga) payment(t *rapid.T, l letter) {
	s.heeded = s.heeded || l.event == paid || l.event == refundAsked
	switch {
	case l.event == due && s.money == "":
		s.money = "calling"
		s.provider(t)
	case l.event == due && l.nudged:
		s.answer()
	case l.event == cancelled && s.money == "":
		s.money = "voided"
	case l.event == refundAsked && s.money == "captured":
		s.money = "refunded"
		s.refunds++
		s.report(order.Refunded)
	case l.event == refundAsked && s.money == "refunded":
		if l.nudged {
			s.report(order.Refunded)
		}
	case l.event == refundAsked:
		t.Fatalf("a refund is asked for, and the money is %q", s.money)
	}
}

// provider speaks, or not yet; it may take a failure back.
func (s *saga) provider(t *rapid.T) {
	if s.money != "calling" && s.money != "failed" {
		return
	}
	switch rapid.SampledFrom([]string{"captured", "failed", "silent"}).Draw(t, "provider") {
	case "captured":
		s.money = "captured"
		s.captures++
		s.answer()
	case "failed":
		s.money = "failed"
		s.answer()
	}
}

func (s *saga) answer() {
	switch s.money {
	case "captured", "refunded":
		s.report(order.Captured)
	case "failed":
		s.report(order.PaymentFailed)
	}
}

// check holds the order to the invariants that it has a part in.
func (s *saga) check(t *rapid.T) {
	st := s.o.State()
	uses := st.PointsUsed > 0
	bad := s.captures > 1 || s.refunds > 1
	switch st.Status {
	case order.Completed:
		bad = bad || s.stock != "committed" || s.money != "captured" || uses && s.points != "confirmed" || s.awards != 1 || s.reversals != 0 || st.PaymentStatus() != "captured"
	case order.Returned:
		kept := s.captures-s.refunds != 0 && !st.Payable.IsZero()
		bad = bad || s.stock != "returned" || kept || uses && s.points != "confirmed" || s.awards != 1 || s.reversals != 1
	case order.Cancelled, order.Rejected:
		kept := s.captures > s.refunds
		bad = bad || s.stock == "held" || s.stock == "committed" || s.points == "frozen" || s.points == "confirmed" || s.awards > 0 || kept ||
			(s.refunds > 0) != (st.PaymentStatus() == "refunded")
	default:
		bad = true
	}
	if bad {
		t.Fatalf("at rest in %s (%s, payment %s) after %v: %+v", st.Status, st.Reason, st.PaymentStatus(), s.events, *s)
	}
}
