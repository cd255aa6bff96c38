package provider

import (
	"errors"
	"regexp"
	"strconv"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/payment/internal/payment"
)

// chargeJSON is a charge as the provider writes it. Fields we do not know are
// passed over: the provider may add some.
type chargeJSON struct {
	ID          string    `json:"id"`
	Reference   string    `json:"reference"` // the order's id
	Amount      int64     `json:"amount"`
	Currency    string    `json:"currency"`
	Status      string    `json:"status"`
	FailureCode string    `json:"failure_code"`
	CreatedAt   time.Time `json:"created_at"`
}

// refundJSON is a refund as the provider writes it.
type refundJSON struct {
	ID        string `json:"id"`
	Charge    string `json:"charge"`
	Reference string `json:"reference"` // the refund's id
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Status    string `json:"status"`
}

// errMalformed is what no provider should say.
var errMalformed = errors.New("malformed charge or refund")

// maxRef is what a provider's id has room for.
const maxRef = 64

var (
	plainRef  = regexp.MustCompile(`^[!-~]{1,64}$`)
	plainCode = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)
)

// word is what the charge says. A reference that is no order's is order 0.
func (c chargeJSON) word() (payment.Word, error) {
	said, known := map[string]payment.Event{
		"succeeded": payment.Succeeded, "failed": payment.Declined, "processing": payment.Unsure,
	}[c.Status]
	currency, err := money.ParseCurrency(c.Currency)
	if err != nil || !known || !plainRef.MatchString(c.ID) || c.Amount <= 0 {
		return payment.Word{}, errMalformed
	}
	return payment.Word{
		Kind: payment.Charge, Order: orderFrom(c.Reference), Said: said, Ref: c.ID,
		Amount: money.Of(c.Amount, currency), Reason: reason(c.FailureCode),
	}, nil
}

func orderFrom(reference string) payment.OrderID {
	id, err := strconv.ParseInt(reference, 10, 64)
	if err != nil || strconv.FormatInt(id, 10) != reference {
		return 0
	}
	return payment.OrderID(id)
}

// reason keeps the provider's code where it is one.
func reason(code string) string {
	if !plainCode.MatchString(code) {
		return payment.ReasonDeclined
	}
	return code
}

func (r refundJSON) word() (payment.Word, error) {
	currency, err := money.ParseCurrency(r.Currency)
	if err != nil || !plainRef.MatchString(r.ID) || r.Amount <= 0 || len(r.Reference) > maxRef {
		return payment.Word{}, errMalformed
	}
	said := payment.Unsure
	if r.Status == "succeeded" {
		said = payment.Succeeded
	}
	return payment.Word{
		Kind: payment.Return, Refund: payment.RefundID(r.Reference), Said: said, Ref: r.ID,
		Amount: money.Of(r.Amount, currency),
	}, nil
}
