package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"souk.example/internal/audit/statement"
)

// Provider is the payment provider's own record. Both visit everything there is
// until visit fails; *statement.Reader is one.
type Provider interface {
	Charges(ctx context.Context, visit func(statement.Charge) error) error
	Refunds(ctx context.Context, visit func(statement.Refund) error) error
}

// hearEvery is the pause between comparisons with what the provider says.
const hearEvery = time.Second

// errNoProvider means that cards were charged by a provider nobody named.
var errNoProvider = errors.New("cards were charged, but no provider is known")

// sum is an amount in minor units.
type sum struct {
	amount   int64
	currency string
}

// deed is what the provider did: a charge, or a refund of one.
type deed struct {
	sum
	id     string
	charge string // that a refund is of
}

// record is what the provider did, and for whom. It stands in memory as a
// whole, some 150 bytes a charge, for the provider's list is in another order
// than the payments.
type record struct {
	charged map[int64]deed   // by order
	given   map[string]deed  // by refund
	back    map[string]int64 // what was given back, by charge
	undone  map[string]bool  // charges that paid for nothing, and were given back
	net     map[string]int64
}

// betweenProvider holds the provider's record against payment's (3, 4). It asks
// the provider after payment's snapshot was taken: what payment then knew the
// provider had done stands in the provider's record.
func (a *auditor) betweenProvider(ctx context.Context, s snapshots, f *findings) error {
	asked, err := queryInt(ctx, s.payment, "SELECT COUNT(*) FROM payment WHERE method = 'card' AND status <> 'VOIDED' AND (status <> 'FAILED' OR provider_ref <> '')")
	if err != nil {
		return err
	}
	r, err := a.readProvider(ctx, f)
	if err != nil && asked == 0 {
		return ctx.Err() // nothing to compare
	}
	if err != nil {
		return fmt.Errorf("could not check: the payment provider's record: %w", err)
	}
	f.checked.Charges = len(r.charged)
	agreed, err := r.compare(ctx, s, f)
	if err != nil || !agreed {
		return err
	}
	return r.compareLedger(ctx, s, f)
}

func (a *auditor) readProvider(ctx context.Context, f *findings) (record, error) {
	r := record{charged: map[int64]deed{}, given: map[string]deed{}, back: map[string]int64{}, undone: map[string]bool{}, net: map[string]int64{}}
	if a.cfg.Provider == nil {
		return r, errNoProvider
	}
	if err := a.cfg.Provider.Charges(ctx, func(c statement.Charge) error { return r.addCharge(c, f) }); err != nil {
		return r, err
	}
	return r, a.cfg.Provider.Refunds(ctx, func(g statement.Refund) error { return r.addRefund(g, f) })
}

func (r record) addCharge(c statement.Charge, f *findings) error {
	if c.Status != statement.Succeeded {
		return nil
	}
	r.net[c.Currency] += c.Amount
	order, err := strconv.ParseInt(c.Reference, 10, 64)
	if err != nil {
		f.violated(Captures, "charge "+c.ID, "the provider charged %d %s for %q, which is no order", c.Amount, c.Currency, c.Reference)
		return nil //nolint:nilerr // it is a finding
	}
	if _, twice := r.charged[order]; twice {
		f.violated(Captures, orderSubject(order), "the provider charged it twice, the second time as %s", c.ID)
	}
	r.charged[order] = deed{sum: sum{c.Amount, c.Currency}, id: c.ID}
	return nil
}

func (r record) addRefund(g statement.Refund, f *findings) error {
	if g.Status != statement.Succeeded {
		return nil
	}
	r.net[g.Currency] -= g.Amount
	r.back[g.Charge] += g.Amount
	if _, twice := r.given[g.Reference]; twice {
		f.violated(Captures, "refund "+g.Reference, "the provider gave it back twice, the second time as %s", g.ID)
	}
	r.given[g.Reference] = deed{sum: sum{g.Amount, g.Currency}, id: g.ID, charge: g.Charge}
	return nil
}

// compare reports whether nothing differs and nothing waits, so that the sums
// can be compared as well.
func (r record) compare(ctx context.Context, s snapshots, f *findings) (agreed bool, err error) {
	before := len(f.suspects)
	waiting, err := r.compareCharges(ctx, s, f)
	if err != nil {
		return false, err
	}
	more, err := r.compareRefunds(ctx, s, f)
	return waiting+more == 0 && len(f.suspects) == before, err
}

// compareCharges holds each payment by card against its charge. While payment
// waits for the provider's word there may be a charge or not. A charge that paid
// for nothing is wrong until all of it was given back: people do that at the
// provider's own console, when a backup was restored that is older than it.
func (r record) compareCharges(ctx context.Context, s snapshots, f *findings) (waiting int, err error) {
	var p paymentRow
	var ref string
	query := "SELECT order_id, user_id, status, amount, captured, refunded, currency, provider_ref FROM payment WHERE method <> 'wallet'"
	err = each(ctx, s.payment, query, append(p.fields(), &ref), func() error {
		charge, taken := r.charged[p.order]
		delete(r.charged, p.order)
		switch {
		case isOpen(p.status):
			waiting++
			if taken && charge.sum != (sum{p.amount, p.currency}) {
				f.disagree(Captures, orderSubject(p.order), "the provider charged %d %s, asked for were %d %s", charge.amount, charge.currency, p.amount, p.currency)
			}
		case taken && p.captured == 0 && r.back[charge.id] == charge.amount:
			r.undone[charge.id] = true
		case charge.amount != p.captured || taken && charge.currency != p.currency:
			f.disagree(Captures, orderSubject(p.order), "the provider charged %d %s, payment is %s with %d", charge.amount, charge.currency, p.status, p.captured)
		case taken && charge.id != ref:
			f.disagree(Captures, orderSubject(p.order), "the provider charged it as %s, payment says as %q", charge.id, ref)
		}
		return nil
	})
	for order, charge := range r.charged {
		if r.back[charge.id] == charge.amount {
			r.undone[charge.id] = true
			continue
		}
		f.disagree(Captures, orderSubject(order), "the provider charged %d %s, but there is no payment by card", charge.amount, charge.currency)
	}
	return waiting, err
}

// compareRefunds holds each refund to a card against what the provider gave back.
func (r record) compareRefunds(ctx context.Context, s snapshots, f *findings) (waiting int, err error) {
	var id, status, currency, ref, charge string
	var amount int64
	query := "SELECT r.refund_id, r.status, r.amount, r.currency, r.provider_ref, p.provider_ref FROM refund r JOIN payment p ON p.order_id = r.order_id WHERE p.method = 'card'"
	err = each(ctx, s.payment, query, []any{&id, &status, &amount, &currency, &ref, &charge}, func() error {
		given, back := r.given[id]
		delete(r.given, id)
		if isOpen(status) {
			waiting++
		}
		switch {
		case (back || !isOpen(status)) && given.sum != (sum{amount, currency}):
			f.disagree(Captures, "refund "+id, "the provider gave back %d %s, payment %d %s: it is %s", given.amount, given.currency, amount, currency, status)
		case back && given.charge != charge:
			f.disagree(Captures, "refund "+id, "the provider gave back of %s, but the order was charged as %s", given.charge, charge)
		case back && !isOpen(status) && given.id != ref:
			f.disagree(Captures, "refund "+id, "the provider made it as %s, payment says as %q", given.id, ref)
		}
		return nil
	})
	for id, given := range r.given {
		if r.undone[given.charge] {
			continue
		}
		f.disagree(Captures, "refund "+id, "the provider gave back %d %s, but payment has no such refund to a card", given.amount, given.currency)
	}
	return waiting, err
}

// compareLedger holds what the provider took, less what it gave back, against
// the ledger's account of it, to the unit. Nothing else may be open.
func (r record) compareLedger(ctx context.Context, s snapshots, f *findings) error {
	fold, err := foldLedger(ctx, s.payment)
	if err != nil {
		return err
	}
	for a, balance := range fold {
		if a.name == "psp" {
			r.net[a.currency] += balance
		}
	}
	for currency, difference := range r.net {
		if difference != 0 {
			f.disagree(Ledger, "account psp", "the provider took %d %s more than the ledger says", difference, currency)
		}
	}
	return nil
}

// isOpen tells whether a payment or a refund waits for the provider.
func isOpen(status string) bool {
	return status == "PENDING" || status == "CALLING" || status == "UNKNOWN"
}
