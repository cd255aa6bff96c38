package order_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

// Only what is completed can be returned, and only what is being returned can
// be asked for parts and finished.
func TestEveryStatusMeetsAReturn(t *testing.T) {
	for _, status := range order.Statuses() {
		o := in(t, status)
		before := *o.State()
		changes, err := o.Return(at)
		if returns := status == order.Completed; returns != (err == nil) || returns != (len(changes) == 1) || err != nil && !errors.Is(err, order.ErrNotReturnable) {
			t.Errorf("%s is returned: %v, %v", status, changes, err)
		}
		if after := o.State(); err != nil && after.Version != before.Version {
			t.Errorf("%s: a refused return changed %+v", status, after)
		}
		for _, part := range order.AllFacts() {
			o := in(t, status)
			_, err := o.Ask(part, at)
			isPart := slices.Contains([]order.Fact{order.Refunded, order.Restocked, order.PointsReversed}, part)
			if want := status == order.Returning && isPart; want != (err == nil) || !want && o.State().Version != before.Version {
				t.Errorf("%s is asked for %q: %v", status, part, err)
			}
		}
		if _, err := in(t, status).FinishReturn(at); (status == order.Returning) != (err == nil) {
			t.Errorf("%s is finished: %v", status, err)
		}
	}
}

// Each step of a return is one version, and asking again is none.
func TestAReturnFromBeginToEnd(t *testing.T) {
	o := in(t, order.Returning)
	version := o.State().Version
	later := at.Add(time.Hour)
	for _, part := range []order.Fact{order.Refunded, order.Restocked, order.PointsReversed} {
		for attempt, want := range []int{1, 0} {
			changes, err := o.Ask(part, later)
			if err != nil || len(changes) != want {
				t.Fatalf("%s, attempt %d: %v, %v", part, attempt, changes, err)
			}
		}
		if version++; o.State().Version != version || o.State().Status != order.Returning {
			t.Errorf("%s: %+v", part, o.State())
		}
		if changes, err := o.Learn(part, later); err != nil || len(changes) != 0 || o.Lacks(part) {
			t.Errorf("%s: %v, %v", part, changes, err)
		}
	}
	if _, err := o.FinishReturn(later); err != nil {
		t.Fatal(err)
	}
	s := o.State()
	if s.Version != version+1 || s.Reason != contracts.ReasonReturned || s.PaymentStatus() != "refunded" {
		t.Errorf("%+v", s)
	}
	var timeline []string
	for _, e := range s.Timeline() {
		timeline = append(timeline, string(e.Status)+e.Reason)
	}
	if want := "PENDING RESERVED PAID COMPLETED RETURNINGreturned RETURNEDreturned"; strings.Join(timeline, " ") != want {
		t.Errorf("timeline %v", timeline)
	}
}

func TestWhatAReturnLacks(t *testing.T) {
	o := order.Restore(&order.State{Status: order.Returning, Payable: money.Of(5, "CNY")}, policy())
	free := order.Restore(&order.State{Status: order.Returning, Payable: money.Of(0, "CNY")}, policy())
	if !o.Lacks(order.Refunded) || free.Lacks(order.Refunded) || !free.Lacks(order.Restocked) || !free.Lacks(order.PointsReversed) {
		t.Error("only an order that nothing was paid for has nothing to be refunded")
	}
}

// Who holds stock and points for an order is told that it was paid, also when
// it is returned since; the nudger leaves it to its saga.
func TestAReturnedOrderWasPaid(t *testing.T) {
	for _, status := range []order.Status{order.Returning, order.Returned} {
		decided, ok := in(t, status).State().Decided()
		if want := in(t, order.Paid).State(); !ok || decided.Status != order.Paid || decided.Version != want.Version || !decided.Return.RequestedAt.IsZero() {
			t.Errorf("%s was decided as %+v", status, decided)
		}
		o := in(t, order.Returning)
		if _, err := o.Ask(order.Refunded, at); err != nil {
			t.Fatal(err)
		}
		if since, waits := o.State().WaitsSince(); waits {
			t.Errorf("it is nudged for since %v", since)
		}
	}
}

func TestAReasonIsNeeded(t *testing.T) {
	for why, good := range map[string]bool{
		"": false, "it does not fit": true, strings.Repeat("\u00e9", 200): true, strings.Repeat("\u00e9", 201): false, "\xff": false,
		"\x1b[2J": false, " ": false, "\u200b": false, "two\nlines": false, "\u202edesrever": false,
	} {
		err := order.ReturnOrder{Order: 1, Why: why}.Validate()
		refused, ok := errors.AsType[*apperr.Error](err)
		if good != (err == nil) || !good && (!ok || refused.Code != contracts.CodeInvalidReturn) {
			t.Errorf("%q: %v", why, err)
		}
	}
}
