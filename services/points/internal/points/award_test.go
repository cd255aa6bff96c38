package points_test

import (
	"maps"
	"slices"
	"testing"

	"souk.example/pkg/money"
	"souk.example/services/points/internal/points"
)

func TestPurchaseRule(t *testing.T) {
	for name, c := range map[string]struct {
		paid money.Amount
		want int64
	}{
		"nothing":        {money.Of(0, "CNY"), 0},
		"almost one":     {money.Of(99, "CNY"), 0},
		"one":            {money.Of(100, "CNY"), 1},
		"rounded down":   {money.Of(25_899, "CNY"), 258},
		"as much as can": {money.Of(1<<63-1, "CNY"), 92_233_720_368_547_758},
		"other money":    {money.Of(500, "JPY"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			asked := []points.Request{{Order: 1, User: user, Action: points.Confirm, Paid: c.paid}}
			d, err := points.Decide(asked, points.Book{}, points.EarnRules(), at)
			if err != nil {
				t.Fatal(err)
			}
			want := points.Entry{EntryID: points.EntryID{Order: 1, Rule: "purchase", Cause: "paid"}, User: 7, Amount: c.want, At: at}
			if !slices.Equal(d.Entries, []points.Entry{want}) {
				t.Errorf("entries are %+v, want %+v", d.Entries, want)
			}
			if !slices.Equal(d.Awards, []points.Award{{Order: 1, User: 7, Points: c.want}}) {
				t.Errorf("replies are %+v", d.Awards)
			}
		})
	}
}

func TestAward(t *testing.T) {
	had := map[points.OrderID]points.Award{1: {Order: 1, User: 7, Points: 3}}
	for name, c := range map[string]struct {
		paid    []points.Request
		entries int
		earned  int64
		replies []points.Award
	}{
		"one":                    {[]points.Request{paid(2, 0, 500)}, 1, 5, []points.Award{{2, 7, 5}}},
		"two of a user":          {[]points.Request{paid(2, 0, 500), paid(3, 0, 150)}, 2, 6, []points.Award{{2, 7, 5}, {3, 7, 1}}},
		"twice in a batch":       {[]points.Request{paid(2, 0, 500), paid(2, 0, 900)}, 1, 5, []points.Award{{2, 7, 5}}},
		"nudged in its batch":    {[]points.Request{paid(2, 0, 500), nudged(paid(2, 0, 500))}, 1, 5, []points.Award{{2, 7, 5}}},
		"first heard by a nudge": {[]points.Request{nudged(paid(2, 0, 500))}, 1, 5, []points.Award{{2, 7, 5}}},
		"again":                  {[]points.Request{paid(1, 0, 500)}, 0, 0, nil},
		"again, nudged":          {[]points.Request{nudged(paid(1, 0, 500)), nudged(paid(1, 0, 500))}, 0, 0, []points.Award{{1, 7, 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			book := points.Book{Awards: maps.Clone(had)}
			d, err := points.Decide(c.paid, book, points.EarnRules(), at)
			if err != nil {
				t.Fatal(err)
			}
			if len(d.Entries) != c.entries || d.Moves[user].Balance != c.earned || !slices.Equal(d.Awards, c.replies) {
				t.Errorf("decided %+v", d)
			}
			if !maps.Equal(book.Awards, had) {
				t.Errorf("what was known became %v", book.Awards)
			}
		})
	}
}

// Every rule leaves its own entry; order hears the sum.
func TestRulesAddUp(t *testing.T) {
	rules := []points.Rule{
		{Name: "purchase", Points: 1, Per: money.Of(100, "CNY")},
		{Name: "festival", Points: 5, Per: money.Of(1000, "CNY")},
	}
	d, err := points.Decide([]points.Request{paid(1, 0, 2_050)}, points.Book{}, rules, at)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Entries) != 2 || d.Moves[user].Balance != 30 || d.Awards[0].Points != 30 {
		t.Errorf("decided %+v", d)
	}
}

// A paid order is known to be rewarded by the entry of this rule: another in its
// place would reward orders again that are delivered again.
func TestTheFirstRuleStays(t *testing.T) {
	if name := points.EarnRules()[0].Name; name != "purchase" {
		t.Errorf("the first rule is %q", name)
	}
}
