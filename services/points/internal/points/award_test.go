package points_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/points/internal/points"
)

var at = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// unit knows some awards and keeps what is recorded.
type unit struct {
	known    map[points.OrderID]points.Award
	recorded points.Decisions
}

func (u *unit) Awards(context.Context, []points.OrderID) (map[points.OrderID]points.Award, error) {
	return u.known, nil
}

func (u *unit) Record(_ context.Context, d points.Decisions) error {
	u.recorded = d
	return nil
}

func paid(order points.OrderID, minor int64) points.PaidOrder {
	return points.PaidOrder{Order: order, User: 7, Paid: money.Of(minor, "CNY")}
}

func nudged(p points.PaidOrder) points.PaidOrder {
	p.Nudged = true
	return p
}

func awarder(rules ...points.Rule) *points.Awarder {
	return points.NewAwarder(rules, func() time.Time { return at })
}

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
			u := &unit{}
			err := awarder(points.EarnRules()...).Award(t.Context(), u, []points.PaidOrder{{Order: 1, User: 7, Paid: c.paid}})
			if err != nil {
				t.Fatal(err)
			}
			want := points.Entry{EntryID: points.EntryID{Order: 1, Rule: "purchase", Cause: "paid"}, User: 7, Amount: c.want, At: at}
			if len(u.recorded.Entries) != 1 || u.recorded.Entries[0] != want {
				t.Errorf("entries are %+v, want %+v", u.recorded.Entries, want)
			}
			if len(u.recorded.Replies) != 1 || u.recorded.Replies[0] != (points.Award{Order: 1, User: 7, Points: c.want}) {
				t.Errorf("replies are %+v", u.recorded.Replies)
			}
		})
	}
}

func TestAward(t *testing.T) {
	had := map[points.OrderID]points.Award{1: {Order: 1, User: 7, Points: 3}}
	for name, c := range map[string]struct {
		paid    []points.PaidOrder
		entries int
		earned  int64
		replies []points.Award
	}{
		"one":                    {[]points.PaidOrder{paid(2, 500)}, 1, 5, []points.Award{{2, 7, 5}}},
		"two of a user":          {[]points.PaidOrder{paid(2, 500), paid(3, 150)}, 2, 6, []points.Award{{2, 7, 5}, {3, 7, 1}}},
		"twice in a batch":       {[]points.PaidOrder{paid(2, 500), paid(2, 900)}, 1, 5, []points.Award{{2, 7, 5}}},
		"nudged in its batch":    {[]points.PaidOrder{paid(2, 500), nudged(paid(2, 500))}, 1, 5, []points.Award{{2, 7, 5}}},
		"first heard by a nudge": {[]points.PaidOrder{nudged(paid(2, 500))}, 1, 5, []points.Award{{2, 7, 5}}},
		"again":                  {[]points.PaidOrder{paid(1, 500)}, 0, 0, nil},
		"again, nudged":          {[]points.PaidOrder{nudged(paid(1, 500)), nudged(paid(1, 500))}, 0, 0, []points.Award{{1, 7, 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			u := &unit{known: maps.Clone(had)}
			if err := awarder(points.EarnRules()...).Award(t.Context(), u, c.paid); err != nil {
				t.Fatal(err)
			}
			d := u.recorded
			if len(d.Entries) != c.entries || d.Earned[7] != c.earned || !slices.Equal(d.Replies, c.replies) {
				t.Errorf("recorded %+v", d)
			}
			if !maps.Equal(u.known, had) {
				t.Errorf("what was known became %v", u.known)
			}
		})
	}
}

// Every rule leaves its own entry; order hears the sum.
func TestRulesAddUp(t *testing.T) {
	u := &unit{}
	rules := []points.Rule{
		{Name: "purchase", Points: 1, Per: money.Of(100, "CNY")},
		{Name: "festival", Points: 5, Per: money.Of(1000, "CNY")},
	}
	if err := awarder(rules...).Award(t.Context(), u, []points.PaidOrder{paid(1, 2_050)}); err != nil {
		t.Fatal(err)
	}
	if len(u.recorded.Entries) != 2 || u.recorded.Earned[7] != 30 || u.recorded.Replies[0].Points != 30 {
		t.Errorf("recorded %+v", u.recorded)
	}
}

func TestMalformed(t *testing.T) {
	for name, p := range map[string]points.PaidOrder{
		"negative": paid(1, -1),
		"no order": paid(0, 1),
		"no user":  {Order: 1, Paid: money.Of(1, "CNY")},
	} {
		t.Run(name, func(t *testing.T) {
			u := &unit{}
			err := awarder(points.EarnRules()...).Award(t.Context(), u, []points.PaidOrder{paid(2, 100), p})
			if !errors.Is(err, points.ErrMalformed) || u.recorded.Entries != nil {
				t.Errorf("got %v and %+v", err, u.recorded)
			}
		})
	}
}
