package order

// Fact is something another service reported about an order. Its number is a
// bit of the stored [Facts]: never renumber.
type Fact uint8

const (
	StockReserved Fact = iota
	StockRefused
	Captured
	PaymentFailed
	PointsAwarded
	PointsFrozen
	PointsRefused
	Refunded
	Restocked
	PointsReversed
	factCount
)

var factNames = [factCount]string{
	"stock reserved", "stock refused", "captured", "payment failed", "points awarded", "points frozen", "points refused", "refunded",
	"restocked", "points reversed",
}

func (f Fact) String() string { return factNames[f] }

// AllFacts lists every fact.
func AllFacts() []Fact {
	return []Fact{
		StockReserved, StockRefused, Captured, PaymentFailed, PointsAwarded, PointsFrozen, PointsRefused, Refunded,
		Restocked, PointsReversed,
	}
}

// Facts is the set of facts an order knows; the zero value knows none.
type Facts uint32

// With adds the facts.
func (fs Facts) With(facts ...Fact) Facts {
	for _, f := range facts {
		fs |= 1 << f
	}
	return fs
}

// Has reports whether f is known.
func (fs Facts) Has(f Fact) bool { return fs&(1<<f) != 0 }
