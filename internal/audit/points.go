package audit

import (
	"context"
	"fmt"

	"souk.example/contracts"
)

// awardRow is what an order earned, all rules together.
type awardRow struct {
	order, user     int64
	entries, points int64
}

// reward is the condition of entries that an earn rule gave, once.
const reward = "rule NOT IN ('redeem', 'debt') AND cause_id <> 'returned'"

const selectAwards = "SELECT order_id, user_id, COUNT(*), SUM(amount) FROM points_entry WHERE " + reward + " GROUP BY order_id, user_id ORDER BY order_id"

func (a *awardRow) fields() []any { return []any{&a.order, &a.user, &a.entries, &a.points} }

// pointsRow is all that points knows of an order: one stream, because a
// snapshot has one connection.
type pointsRow struct {
	order, user, entries, amount int64
	status                       string // "" without a freeze
	reversed                     int64  // 0 while nothing was undone
}

const selectPoints = "SELECT order_id, user_id, MAX(entries), MAX(amount), MAX(status), MAX(reversed) FROM (" +
	"SELECT order_id, user_id, 1 AS entries, 0 AS amount, '' AS status, 0 AS reversed FROM points_entry WHERE " + reward +
	" UNION ALL SELECT order_id, user_id, 0, 0, '', 1 FROM points_entry WHERE " + reversal +
	" UNION ALL SELECT order_id, user_id, 0, amount, status, 0 FROM points_freeze) known" +
	" GROUP BY order_id, user_id ORDER BY order_id"

func (p *pointsRow) id() int64 { return p.order }

func (p *pointsRow) fields() []any {
	return []any{&p.order, &p.user, &p.entries, &p.amount, &p.status, &p.reversed}
}

// reversal is the condition of entries that undo others.
const reversal = "rule <> 'debt' AND cause_id = 'returned'"

// award is nil for an order that earned nothing, not even 0; so for a nil row.
func (p *pointsRow) award() *awardRow {
	if p == nil || p.entries == 0 {
		return nil
	}
	return &awardRow{order: p.order, user: p.user, entries: p.entries}
}

// freeze is nil for an order about whose points nothing was decided.
func (p *pointsRow) freeze() *freezeRow {
	if p == nil || p.status == "" {
		return nil
	}
	return &freezeRow{order: p.order, user: p.user, amount: p.amount, status: p.status}
}

// checkPoints holds points against themselves: accounts against entries and
// freezes (4), and those against what points told the world (7).
func checkPoints(ctx context.Context, s snapshots, f *findings) error {
	if err := checkPointsAnswers(ctx, s, f); err != nil {
		return err
	}
	if err := checkRepeatedAwards(ctx, s.points, f); err != nil {
		return err
	}
	if err := checkReversals(ctx, s.points, f); err != nil {
		return err
	}
	return checkPointsAccounts(ctx, s.points, f)
}

func checkPointsAnswers(ctx context.Context, s snapshots, f *findings) error {
	log, err := readEventLog(ctx, s.points, contracts.TopicPoints, f)
	if err != nil {
		return err
	}
	want, err := checkFreezes(ctx, s.points, f)
	if err != nil {
		return err
	}
	var a awardRow
	err = each(ctx, s.points, selectAwards, a.fields(), func() error {
		f.checked.Points++
		want[a.order] |= stepsOf(contracts.PointsAwarded)
		checkEarned(&a, log[a.order], f)
		return nil
	})
	if err != nil {
		return err
	}
	var order int64
	err = each(ctx, s.points, "SELECT DISTINCT order_id FROM points_entry WHERE "+reversal, []any{&order}, func() error {
		want[order] |= stepsOf(contracts.PointsReversed)
		return nil
	})
	for order, answer := range want {
		checkAnswer("points", order, log[order].steps, answer, f)
		delete(log, order)
	}
	for order, said := range log {
		checkAnswer("points", order, said.steps, 0, f)
	}
	return err
}

// checkEarned holds the entries of an order against what the world was told
// that it earned (4): the rules of that day have long been changed.
func checkEarned(a *awardRow, said told, f *findings) {
	if said.steps.has(contracts.PointsAwarded) && said.points != a.points {
		f.violated(Ledger, orderSubject(a.order), "its entries are of %d points, order was told of %d", a.points, said.points)
	}
}

// checkRepeatedAwards finds orders that a rule rewarded more than once.
func checkRepeatedAwards(ctx context.Context, q querier, f *findings) error {
	var order, n int64
	var rule string
	return each(ctx, q, "SELECT order_id, rule, COUNT(*) FROM points_entry WHERE rule <> 'debt' AND cause_id <> 'returned' "+
		"GROUP BY order_id, rule HAVING COUNT(*) > 1",
		[]any{&order, &rule, &n}, func() error {
			f.violated(Ledger, orderSubject(order), "rule %s gave points %d times", rule, n)
			return nil
		})
}

// checkReversals finds orders of which something, but not everything, was
// undone.
func checkReversals(ctx context.Context, q querier, f *findings) error {
	var order, left int64
	return each(ctx, q, "SELECT order_id, SUM(ABS(kept)) FROM (SELECT order_id, SUM(amount) AS kept, MAX(CASE WHEN cause_id = 'returned' THEN 1 ELSE 0 END) AS undone"+
		" FROM points_entry WHERE rule <> 'debt' GROUP BY order_id, rule) rules GROUP BY order_id HAVING MAX(undone) = 1 AND SUM(ABS(kept)) <> 0",
		[]any{&order, &left}, func() error {
			f.violated(Ledger, orderSubject(order), "its points were reversed, but for %d", left)
			return nil
		})
}

// pointsAccount is what the entries make of a user's points.
type pointsAccount struct{ balance, debt int64 }

func checkPointsAccounts(ctx context.Context, q querier, f *findings) error {
	fold, err := foldPoints(ctx, q)
	if err != nil {
		return err
	}
	promised, err := frozenByUser(ctx, q)
	if err != nil {
		return err
	}
	var user, frozen int64
	var a pointsAccount
	err = each(ctx, q, "SELECT user_id, balance, frozen, debt FROM points_account", []any{&user, &a.balance, &frozen, &a.debt}, func() error {
		want := fold[user]
		if a.balance != want.balance || a.balance < 0 || frozen < 0 || frozen > a.balance {
			f.violated(Ledger, pointsSubject(user), "balance %d, %d of it frozen; the entries add up to %d", a.balance, frozen, want.balance)
		}
		if a.debt != want.debt || a.debt < 0 {
			f.violated(Ledger, pointsSubject(user), "%d are owed, the entries lent %d", a.debt, want.debt)
		}
		if frozen != promised[user] {
			f.violated(Ledger, pointsSubject(user), "%d are frozen, the freezes add up to %d", frozen, promised[user])
		}
		delete(fold, user)
		delete(promised, user)
		return nil
	})
	for user, sum := range promised {
		f.violated(Ledger, pointsSubject(user), "the freezes add up to %d, but there is no account", sum)
	}
	for user, sum := range fold {
		if sum != (pointsAccount{}) {
			f.violated(Ledger, pointsSubject(user), "the entries add up to %d, but there is no account", sum.balance)
		}
	}
	return err
}

// foldPoints adds the entries up by user. What is lent is both owed and there.
func foldPoints(ctx context.Context, q querier) (map[int64]pointsAccount, error) {
	fold := map[int64]pointsAccount{}
	var user int64
	var a pointsAccount
	err := each(ctx, q, "SELECT user_id, SUM(amount), SUM(CASE WHEN rule = 'debt' THEN amount ELSE 0 END) FROM points_entry GROUP BY user_id",
		[]any{&user, &a.balance, &a.debt}, func() error {
			fold[user] = a
			return nil
		})
	return fold, err
}

func pointsSubject(user int64) string { return fmt.Sprintf("points of user %d", user) }
