package payment

import (
	"slices"

	"souk.example/contracts"
)

// Offers lists the methods that this shop takes money by.
type Offers []string

func (o Offers) include(method string) bool { return slices.Contains(o, method) }

// maxToken bounds what a card may be known by, in bytes.
const maxToken = 255

// settle decides what was asked for the first time: at once what needs nobody
// else, else it is Pending until the provider has spoken.
func (d *desk) settle(r Request) {
	p := Payment{Order: r.Order, User: r.User, Method: r.Method, Amount: r.Amount, At: d.at}
	switch {
	case r.Amount.IsZero():
		p = p.captured()
	case !d.offers.include(r.Method):
		p = p.failed(ReasonMethodNotOffered)
	case r.Method == contracts.MethodCard:
		p = d.byCard(r, p)
	default:
		p = d.fromWallet(r, p)
	}
	d.record(p)
	if p.Status != Pending {
		d.tell(p)
	}
}

func (d *desk) byCard(r Request, p Payment) Payment {
	if n := len(r.Token.Reveal()); n == 0 || n > maxToken {
		return p.failed(ReasonInvalidToken)
	}
	p = p.failed("") // nothing is taken yet
	p.Status = Pending
	d.tokens[r.Order] = r.Token
	return p
}

// fromWallet takes all of the amount or nothing. A wallet holds one currency,
// so a user with money in another has none for this order.
func (d *desk) fromWallet(r Request, p Payment) Payment {
	amount := r.Amount.Minor()
	if d.wallets[r.wallet()] < amount {
		return p.failed(ReasonInsufficientFunds)
	}
	d.wallets[r.wallet()] -= amount
	d.out.Taken[r.wallet()] += amount
	p = p.captured()
	d.out.Entries = append(d.out.Entries, captureEntry(p))
	return p
}
