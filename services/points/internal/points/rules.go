package points

import "souk.example/pkg/money"

// Rule gives Points for every full Per of what was paid.
type Rule struct {
	Name   string // stable: part of each entry's identity
	Points int64
	Per    money.Amount // above 0; what is paid in another currency earns nothing
}

// EarnRules is what a paid order earns, all of it. The first rule stays for
// good, if need be for 0 points: by its entry a paid order is known to be rewarded.
func EarnRules() []Rule {
	return []Rule{
		{Name: "purchase", Points: 1, Per: money.Of(100, "CNY")},
	}
}

// earned rounds down, and is at most paid's minor units times Points.
func (r Rule) earned(paid money.Amount) int64 {
	if paid.Currency() != r.Per.Currency() {
		return 0
	}
	return paid.Minor() / r.Per.Minor() * r.Points
}
