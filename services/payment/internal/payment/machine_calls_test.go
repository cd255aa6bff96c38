package payment_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"pgregory.net/rapid"

	"souk.example/services/payment/internal/payment"
)

// Claim takes any calls, also those that somebody else is making: a lease may
// be over while its owner still lives.
func (m *machine) Claim(t *rapid.T) {
	for _, key := range slices.Sorted(maps.Keys(m.calls)) {
		if !rapid.Bool().Draw(t, "claimed") {
			continue
		}
		m.claim(key)
	}
}

func (m *machine) claim(key string) payment.Call {
	m.claims++
	c := m.calls[key]
	c.Claim, c.Attempts = payment.ClaimID(fmt.Sprint("claim", m.claims)), c.Attempts+1
	m.calls[key] = c
	m.made = append(m.made, c)
	if c.Kind == payment.Return {
		r := m.book.Refunds[payment.RefundID(key)]
		r.Status = payment.NextOfRefund(r.Status, payment.Called).To
		m.book.Refunds[r.ID] = r
		return c
	}
	p := m.book.Payments[c.Order]
	p.Status = payment.Next(p.Status, payment.Called).To
	m.book.Payments[p.Order] = p
	return c
}

// Hear has some of what was ever said arrive, in any order.
func (m *machine) Hear(t *rapid.T) {
	if len(m.heard) > 0 {
		m.hear(t, rapid.SliceOfN(rapid.SampledFrom(m.heard), 1, 6).Draw(t, "words"))
	}
}

func (m *machine) hear(t *rapid.T, words []payment.Word) {
	single := m.copy()
	var singleErrs []error
	for _, w := range words {
		singleErrs = append(singleErrs, single.enter(t, []payment.Word{w})...)
	}
	errs := m.enter(t, words)
	if !reflect.DeepEqual(m.book, single.book) || !maps.Equal(m.calls, single.calls) || !reflect.DeepEqual(m.told, single.told) {
		t.Fatalf("as a batch %+v with %v, one by one %+v with %v", m.book, m.calls, single.book, single.calls)
	}
	for i := range words {
		if !errors.Is(errs[i], errors.Unwrap(singleErrs[i])) {
			t.Fatalf("word %d: as a batch %v, one by one %v", i, errs[i], singleErrs[i])
		}
	}
}

func (m *machine) enter(t *rapid.T, words []payment.Word) []error {
	records := payment.Records{Payments: m.book.Payments, Refunds: m.book.Refunds, Claims: map[string]payment.ClaimID{}}
	for key, c := range m.calls {
		records.Claims[key] = c.Claim
	}
	r := payment.Judge(words, records, at)
	for _, key := range r.Done {
		delete(m.calls, key)
	}
	for _, l := range r.Later {
		c := m.calls[l.Key]
		if c.Claim != l.Claim || l.Pause <= 0 {
			t.Fatalf("call %+v is put off by %+v", c, l)
		}
		c.Claim = ""
		if l.NotSent {
			c.Attempts--
		}
		m.calls[l.Key] = c
	}
	m.change(t, r.Changes)
	for _, c := range r.RefundChanges {
		if was := m.book.Refunds[c.ID].Status; was != c.Was {
			t.Fatalf("refund %s was %s, not %s", c.ID, was, c.Was)
		}
		m.book.Refunds[c.ID] = c.Refund
	}
	for _, e := range r.Entries {
		m.write(t, e)
	}
	m.tell(r.Replies)
	return r.Errs
}
