package order

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/money"
)

// Item is a line as a client asks for it; the price is ours to say.
type Item struct {
	SKU      SKU
	Quantity int64
}

// PlaceOrder is a request to buy. Two requests with one Key are the same
// request when their Fingerprint is equal.
type PlaceOrder struct {
	Key         Key
	Fingerprint [32]byte
	Items       []Item
	Method      string
	Token       CardToken // with method "card", and only then
	Points      int64     // to use: each pays one minor unit of contracts.PointsCurrency
	id          ID        // chosen before the batch: a rerun recognises its own row
}

// Subject names the order to be, as its events do.
func (req PlaceOrder) Subject() string { return strconv.FormatInt(int64(req.id), 10) }

// Placement is the answer to a PlaceOrder: the order as it was when placed.
type Placement struct {
	Order    *State
	Replayed bool // an earlier request with the same key had placed it
}

// IDs hands out order ids.
type IDs interface{ Next() (int64, error) }

// Limits bounds what one order may ask for; the zero value asks for defaults.
type Limits struct {
	Lines    int           // at most this many lines (default 100)
	Quantity int64         // at most this many of one SKU (default 1,000,000)
	Deadline time.Duration // from placement to payment (default 15 minutes)
}

func (l Limits) withDefaults() Limits {
	if l.Lines == 0 {
		l.Lines = 100
	}
	if l.Quantity == 0 {
		l.Quantity = 1_000_000
	}
	if l.Deadline == 0 {
		l.Deadline = 15 * time.Minute
	}
	return l
}

// Placer takes orders in, many per transaction. Safe for concurrent use.
type Placer struct {
	store   Store
	holds   Holds
	gate    Gate
	ids     IDs
	limits  Limits
	passing func(error) bool // see groupcommit.Config.Retry
	intake  *groupcommit.Committer[PlaceOrder, Placement]
}

// NewPlacer makes a Placer.
func NewPlacer(store Store, holds Holds, gate Gate, ids IDs, limits Limits, cfg groupcommit.Config, opts ...groupcommit.Option[PlaceOrder]) *Placer {
	p := &Placer{store: store, holds: holds, gate: gate, ids: ids, limits: limits.withDefaults(), passing: cfg.Retry}
	p.intake = groupcommit.New(cfg, p.flush, opts...)
	return p
}

// Run commits what Place asks for until ctx ends and the queue is drained.
func (p *Placer) Run(ctx context.Context) error { return p.intake.Run(ctx) }

// Place validates the request and commits it together with whoever else is
// asking right now. It blocks until the order and its event are durable. A
// refusal is an *apperr.Error and leaves nothing behind;
// groupcommit.ErrOutcomeUnknown means that the order may stand: repeat it with
// the same key.
func (p *Placer) Place(ctx context.Context, req PlaceOrder) (Placement, error) {
	if err := p.validate(req); err != nil {
		return Placement{}, err
	}
	id, err := p.ids.Next()
	if err != nil {
		return Placement{}, fmt.Errorf("place order: %w", err)
	}
	req.id = ID(id)
	return p.intake.Do(ctx, req)
}

func (p *Placer) validate(req PlaceOrder) error {
	if err := req.validatePayment(); err != nil {
		return err
	}
	if req.Points < 0 {
		return invalid(apperr.Field{Field: "points", Code: "out_of_range", Detail: "points are 0 or more"})
	}
	if n := len(req.Items); n == 0 || n > p.limits.Lines {
		return invalid(apperr.Field{Field: "items", Code: "out_of_range", Detail: fmt.Sprintf("an order has 1 to %d lines", p.limits.Lines)})
	}
	return p.validateItems(req.Items)
}

func (req PlaceOrder) validatePayment() error {
	switch {
	case req.Method != contracts.MethodWallet && req.Method != contracts.MethodCard:
		return invalid(apperr.Field{Field: "payment.method", Code: contracts.CodeMethodNotOffered, Detail: "pay with wallet or card"})
	case req.Method == contracts.MethodWallet && req.Token != "":
		return invalid(apperr.Field{Field: "payment.token", Code: "not_allowed", Detail: "a wallet has no token"})
	case req.Method == contracts.MethodCard && !req.Token.wellFormed():
		return invalid(apperr.Field{Field: "payment.token", Code: "invalid", Detail: "a card is a token of 1 to 255 visible ASCII characters, never its number"})
	}
	return nil
}

func (p *Placer) validateItems(items []Item) error {
	seen := make(map[SKU]bool, len(items))
	for i, it := range items {
		at := func(name string) string { return fmt.Sprintf("items[%d].%s", i, name) }
		switch {
		case it.SKU == "" || len(it.SKU) > 64:
			return invalid(apperr.Field{Field: at("sku"), Code: "invalid", Detail: "a sku has 1 to 64 characters"})
		case seen[it.SKU]:
			return invalid(apperr.Field{Field: at("sku"), Code: "duplicate_sku", Detail: "name each sku once"})
		case it.Quantity < 1 || it.Quantity > p.limits.Quantity:
			return invalid(apperr.Field{Field: at("quantity"), Code: "out_of_range", Detail: fmt.Sprintf("a quantity is 1 to %d", p.limits.Quantity)})
		}
		seen[it.SKU] = true
	}
	return nil
}

func invalid(f apperr.Field) *apperr.Error {
	return apperr.New(apperr.Unprocessable, contracts.CodeInvalidOrder, "the order cannot be placed as asked").WithFields(f)
}

// price turns a request into a PENDING order at today's prices, that was not
// placed yet.
func (req PlaceOrder) price(prices map[SKU]money.Amount) (*State, error) {
	s := &State{
		ID: req.id, Key: req.Key, Fingerprint: req.Fingerprint, Status: Pending, Version: 1,
		Method: req.Method, Token: req.Token, PointsUsed: req.Points, Lines: make([]Line, len(req.Items)),
	}
	for i, it := range req.Items {
		unit, ok := prices[it.SKU]
		if !ok {
			return nil, unknownSKU(i)
		}
		s.Lines[i] = Line{SKU: it.SKU, Quantity: it.Quantity, UnitPrice: unit.Minor()}
		if err := s.add(unit, it.Quantity); err != nil {
			return nil, err
		}
	}
	return s, s.deductPoints()
}

// deductPoints leaves payable what the points do not pay.
func (s *State) deductPoints() (err error) {
	s.Payable = s.Total
	if s.PointsUsed == 0 {
		return nil
	}
	if s.Total.Currency() != contracts.PointsCurrency {
		return apperr.New(apperr.Unprocessable, contracts.CodePointsNotOffered, "points pay for orders in "+contracts.PointsCurrency+" only").
			WithFields(apperr.Field{Field: "points", Code: contracts.CodePointsNotOffered, Detail: "not in this currency"})
	}
	if s.PointsUsed > s.Total.Minor() {
		return invalid(apperr.Field{Field: "points", Code: "out_of_range", Detail: "points pay for the whole order at most"})
	}
	s.Payable, err = s.Total.Sub(money.Of(s.PointsUsed, contracts.PointsCurrency))
	return err
}

func (s *State) add(unit money.Amount, quantity int64) error {
	sum, err := unit.Mul(quantity)
	if err == nil && s.Total != (money.Amount{}) {
		sum, err = s.Total.Add(sum)
	}
	if err != nil {
		return invalid(apperr.Field{Field: "items", Code: "total_out_of_range", Detail: "the lines do not add up to one amount"}).With(err)
	}
	s.Total = sum
	return nil
}

func unknownSKU(i int) error {
	return apperr.New(apperr.Unprocessable, contracts.CodeUnknownSKU, "a line names a sku that is not on sale").
		WithFields(apperr.Field{Field: fmt.Sprintf("items[%d].sku", i), Code: contracts.CodeUnknownSKU, Detail: "not on sale"})
}
