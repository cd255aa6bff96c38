package gate

import (
	"context"
	"slices"
	"time"

	"souk.example/internal/stockgate"
	"souk.example/services/inventory/internal/inventory"
)

// shelf is the products that have a gate. To find them takes a look at all the
// stock, so it is done now and then only; to read theirs does not.
//
// What has sold out at its gate keeps it, for that is when most are refused; but
// no more than half of the gates, or the sold-out products of a year would have
// them all. The latest keep theirs.
type shelf struct {
	stock   Stock
	cfg     Config
	skus    []inventory.SKU
	looked  time.Time
	offered map[inventory.SKU]bool // had units when they were read last
	sold    []inventory.SKU        // had none any more since, the latest first
}

func (s *shelf) read(ctx context.Context) ([]stockgate.Gate, error) {
	if s.looked.IsZero() || time.Since(s.looked) >= s.cfg.Look {
		if err := s.look(ctx); err != nil {
			return nil, err
		}
	}
	stock, err := s.stock.StockOf(ctx, s.skus)
	if err != nil {
		return nil, err
	}
	s.note(stock)
	return gatesOf(stock), nil
}

func gatesOf(stock []inventory.Stock) []stockgate.Gate {
	gates := make([]stockgate.Gate, len(stock))
	for i, st := range stock {
		gates[i] = stockgate.Gate{SKU: string(st.SKU), Available: st.Available, Reserved: st.Reserved}
	}
	return gates
}

// look chooses the products. It reads those it has once more, after it has found
// the others: what has sold out until then is not among the scarce, and would be
// forgotten.
func (s *shelf) look(ctx context.Context) error {
	scarce, err := s.stock.Scarce(ctx, s.cfg.Below, s.cfg.Max)
	if err != nil {
		return err
	}
	stock, err := s.stock.StockOf(ctx, s.skus)
	if err != nil {
		return err
	}
	s.note(stock)
	skus := slices.Clone(s.sold)
	for _, sku := range scarce {
		if !slices.Contains(s.sold, sku) {
			skus = append(skus, sku)
		}
	}
	s.skus, s.looked = skus[:min(len(skus), s.cfg.Max)], time.Now()
	return nil
}

// note learns what has sold out since the last time.
func (s *shelf) note(stock []inventory.Stock) {
	offered := make(map[inventory.SKU]bool, len(stock))
	var sold []inventory.SKU
	for _, st := range stock {
		if st.Available+st.Reserved > 0 {
			offered[st.SKU] = true
		} else if s.offered[st.SKU] {
			sold = append(sold, st.SKU)
		}
	}
	for _, sku := range s.sold {
		if !offered[sku] {
			sold = append(sold, sku)
		}
	}
	s.offered, s.sold = offered, sold[:min(len(sold), s.cfg.Max/2)]
}
