package inventory

import "souk.example/pkg/apperr"

// maxUnits bounds a stock, so that no sum of units can overflow.
const maxUnits = 1_000_000_000_000

// Stock is where the units of a SKU are. Available + Reserved + Sold =
// Initial + Adjusted, and the first three are never below 0.
type Stock struct {
	SKU       SKU
	Available int64
	Reserved  int64 // held for orders that are not paid
	Sold      int64
	Initial   int64 // what there was when the product was added
	Adjusted  int64 // sum of all adjustments since
}

// Cause is why units moved.
type Cause string

// The causes.
const (
	CauseInitial Cause = "initial" // the product was added
	CauseAdjust  Cause = "adjust"  // somebody counted, bought or threw away
	CauseReserve Cause = "reserve"
	CauseCommit  Cause = "commit"
	CauseRelease Cause = "release"
	CauseRestock Cause = "restock"
)

// Move is a movement of a SKU's units: the difference of every count.
type Move struct {
	Available, Reserved, Sold, Initial, Adjusted int64
}

// add is the sum of two movements.
func (m Move) add(n Move) Move {
	return Move{m.Available + n.Available, m.Reserved + n.Reserved, m.Sold + n.Sold, m.Initial + n.Initial, m.Adjusted + n.Adjusted}
}

// moveOf is what n units do for a cause.
func moveOf(cause Cause, n int64) Move {
	switch cause {
	case CauseInitial:
		return Move{Available: n, Initial: n}
	case CauseAdjust:
		return Move{Available: n, Adjusted: n}
	case CauseReserve:
		return Move{Available: -n, Reserved: n}
	case CauseCommit:
		return Move{Reserved: -n, Sold: n}
	case CauseRelease:
		return Move{Available: n, Reserved: -n}
	case CauseRestock:
		return Move{Available: n, Sold: -n}
	}
	return Move{}
}

// MoveKey is one line of the stock ledger within a transaction.
type MoveKey struct {
	SKU   SKU
	Cause Cause
}

// Moves are the movements of one transaction, summed per SKU and cause.
type Moves map[MoveKey]Move

func (m Moves) add(sku SKU, cause Cause, n int64) {
	key := MoveKey{sku, cause}
	m[key] = m[key].add(moveOf(cause, n))
}

// Net is the movement of each SKU over all causes, without those that come to
// nothing.
func (m Moves) Net() map[SKU]Move {
	net := make(map[SKU]Move, len(m))
	for key, move := range m {
		net[key.SKU] = net[key.SKU].add(move)
	}
	for sku, move := range net {
		if move == (Move{}) {
			delete(net, sku)
		}
	}
	return net
}

// Totals is what there is of everything.
type Totals struct {
	Products, SoldOut         int64 // on sale; of these without an available unit
	Available, Reserved, Sold int64 // units of all products
}

func checkUnits(field string, n int64) error {
	if n < -maxUnits || n > maxUnits {
		return apperr.New(apperr.Unprocessable, "invalid_field", "a field is not valid").
			WithFields(apperr.Field{Field: field, Code: "out_of_range", Detail: "at most 1000000000000 units either way"})
	}
	return nil
}
