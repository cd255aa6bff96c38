package payment_test

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"souk.example/services/payment/internal/payment"
)

// charge is a charge or a refund in the provider's record.
type charge struct {
	call   payment.Call
	id     string
	status payment.Event // Unsure: processing
	failed bool          // at some time
}

// provider acts on each key once.
type provider struct {
	charges map[string]*charge
	refunds map[string]*charge
}

func (c *charge) word() payment.Word {
	w := payment.Word{Kind: c.call.Kind, Order: c.call.Order, Said: c.status, Ref: c.id, Amount: c.call.Amount, Reason: "card_declined"}
	if c.call.Kind == payment.Return {
		w.Refund = payment.RefundID(c.call.Key)
	}
	return w
}

// act has a call take effect and returns what it came to.
func (p *provider) act(c payment.Call, status payment.Event) *charge {
	if c.Kind == payment.Return {
		if p.refunds[c.Key] == nil {
			p.refunds[c.Key] = &charge{call: c, id: fmt.Sprint("re_", len(p.refunds)), status: payment.Succeeded}
		}
		return p.refunds[c.Key]
	}
	if p.charges[c.Key] == nil {
		p.charges[c.Key] = &charge{call: c, id: fmt.Sprint("ch_", len(p.charges)), status: status, failed: status == payment.Declined}
	}
	return p.charges[c.Key]
}

// Reach has a call that was made at some time reach the provider, or not; its
// reply may arrive, be lost, or never be sent because the caller was killed.
func (m *machine) Reach(t *rapid.T) {
	if len(m.made) == 0 {
		return
	}
	call := rapid.SampledFrom(m.made).Draw(t, "call")
	if call.Attempts == 1 && !m.sent[call.Claim] && rapid.IntRange(0, 3).Draw(t, "not sent") == 0 {
		m.unsend(call)
		return
	}
	m.sent[call.Claim] = true
	unsure := payment.Word{Kind: call.Kind, Order: call.Order, Refund: refundOf(call), Said: payment.Unsure, Claim: call.Claim, Attempts: call.Attempts}
	if rapid.Bool().Draw(t, "lost on the way") {
		m.heard = append(m.heard, unsure)
		return
	}
	c := m.psp.act(call, rapid.SampledFrom([]payment.Event{payment.Succeeded, payment.Succeeded, payment.Declined, payment.Unsure}).Draw(t, "outcome"))
	reply := c.word()
	reply.Claim, reply.Attempts = call.Claim, call.Attempts
	webhook := c.word()
	m.heard = append(m.heard, rapid.SampledFrom([]payment.Word{reply, reply, unsure, webhook}).Draw(t, "reply"))
}

// unsend has a call that was claimed never be made, and its claimant say so.
func (m *machine) unsend(call payment.Call) {
	m.made = slices.DeleteFunc(m.made, func(c payment.Call) bool { return c.Claim == call.Claim })
	m.heard = append(m.heard, payment.Word{
		Kind: call.Kind, Order: call.Order, Refund: refundOf(call), Said: payment.NotSent, Claim: call.Claim, Attempts: 1,
	})
}

func refundOf(c payment.Call) payment.RefundID {
	if c.Kind == payment.Return {
		return payment.RefundID(c.Key)
	}
	return ""
}

// Change has the provider decide a charge, or take back that it had failed.
func (m *machine) Change(t *rapid.T) {
	for _, key := range slices.Sorted(maps.Keys(m.psp.charges)) {
		c := m.psp.charges[key]
		if c.status == payment.Succeeded || !rapid.Bool().Draw(t, "changes") {
			continue
		}
		c.status = rapid.SampledFrom([]payment.Event{payment.Succeeded, payment.Declined}).Draw(t, "status")
		c.failed = c.failed || c.status == payment.Declined
		m.heard = append(m.heard, c.word())
	}
}

// Lie has the provider speak of what nobody asked for, or otherwise than asked.
func (m *machine) Lie(t *rapid.T) {
	if len(m.heard) == 0 {
		return
	}
	w := rapid.SampledFrom(m.heard).Draw(t, "word")
	switch rapid.IntRange(0, 2).Draw(t, "lie") {
	case 0:
		w.Order, w.Refund = w.Order+100, "100:a"
	case 1:
		w.Amount = cny(w.Amount.Minor() + 1)
	case 2:
		w.Ref = "ch_other"
	}
	if w.Said != payment.Succeeded || m.settled(w) {
		m.hear(t, []payment.Word{w})
	}
}

// settled reports whether a wrong w cannot be taken for the truth.
func (m *machine) settled(w payment.Word) bool {
	switch {
	case w.Ref != "ch_other":
		return true
	case w.Kind == payment.Return:
		return m.book.Refunds[w.Refund].Status == payment.Refunded
	}
	return m.book.Payments[w.Order].Status == payment.Captured
}

// comeToRest has the provider decide what is open, every call that waits be
// made, and its list be compared: then both records say the same.
func (m *machine) comeToRest(t *rapid.T) {
	for _, c := range m.psp.charges {
		if c.status == payment.Unsure {
			c.status = payment.Succeeded
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.calls)) {
		call := m.claim(key)
		word := m.psp.act(call, payment.Succeeded).word()
		word.Claim = call.Claim
		m.hear(t, []payment.Word{word})
	}
	for _, key := range slices.Sorted(maps.Keys(m.psp.charges)) {
		m.hear(t, []payment.Word{m.psp.charges[key].word()})
	}
	m.Check(t)
	m.checkRest(t)
}

func (m *machine) checkRest(t *rapid.T) {
	if len(m.calls) != 0 {
		t.Fatalf("calls are left: %v", m.calls)
	}
	for _, c := range m.psp.charges {
		p := m.book.Payments[c.call.Order]
		if (c.status == payment.Succeeded) != (p.Status == payment.Captured) || p.Status != payment.Captured && p.Status != payment.Failed {
			t.Fatalf("the provider says %+v, we %+v", c, p)
		}
	}
	for key, c := range m.psp.refunds {
		if r := m.book.Refunds[payment.RefundID(key)]; r.Status != payment.Refunded || r.Ref != c.id {
			t.Fatalf("the provider says %+v, we %+v", c, r)
		}
	}
	for order, p := range m.book.Payments {
		if p.Status.Open() {
			t.Fatalf("order %d is %s", order, p.Status)
		}
	}
}
