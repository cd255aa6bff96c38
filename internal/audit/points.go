package audit

import (
	"context"
	"fmt"

	"souk.example/contracts"
)

// awardRow is what an order earned, all rules together.
type awardRow struct {
	order, user int64
	entries     int64
}

const selectAwards = "SELECT order_id, user_id, COUNT(*) FROM points_entry WHERE rule <> 'redeem' GROUP BY order_id, user_id ORDER BY order_id"

func (a *awardRow) fields() []any { return []any{&a.order, &a.user, &a.entries} }

// pointsRow is all that points knows of an order: one stream, because a
// snapshot has one connection.
type pointsRow struct {
	order, user, entries, amount int64
	status                       string // "" without a freeze
}

const selectPoints = "SELECT order_id, user_id, MAX(entries), MAX(amount), MAX(status) FROM (" +
	"SELECT order_id, user_id, 1 AS entries, 0 AS amount, '' AS status FROM points_entry WHERE rule <> 'redeem'" +
	" UNION ALL SELECT order_id, user_id, 0, amount, status FROM points_freeze) known" +
	" GROUP BY order_id, user_id ORDER BY order_id"

func (p *pointsRow) id() int64 { return p.order }

func (p *pointsRow) fields() []any {
	return []any{&p.order, &p.user, &p.entries, &p.amount, &p.status}
}

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

// checkRepeatedAwards finds orders that a rule rewarded more than once.
func checkRepeatedAwards(ctx context.Context, q querier, f *findings) error {
	var order, n int64
	var rule string
	return each(ctx, q, "SELECT order_id, rule, COUNT(*) FROM points_entry GROUP BY order_id, rule HAVING COUNT(*) > 1",
		[]any{&order, &rule, &n}, func() error {
			f.violated(Ledger, orderSubject(order), "rule %s gave points %d times", rule, n)
			return nil
		})
}

func checkPointsAccounts(ctx context.Context, q querier, f *findings) error {
	fold := map[int64]int64{}
	var user, sum int64
	err := each(ctx, q, "SELECT user_id, SUM(amount) FROM points_entry GROUP BY user_id", []any{&user, &sum}, func() error {
		fold[user] = sum
		return nil
	})
	if err != nil {
		return err
	}
	promised, err := frozenByUser(ctx, q)
	if err != nil {
		return err
	}
	var balance, frozen int64
	err = each(ctx, q, "SELECT user_id, balance, frozen FROM points_account", []any{&user, &balance, &frozen}, func() error {
		if balance != fold[user] || balance < 0 || frozen < 0 || frozen > balance {
			f.violated(Ledger, pointsSubject(user), "balance %d, %d of it frozen; the entries add up to %d", balance, frozen, fold[user])
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
		if sum != 0 {
			f.violated(Ledger, pointsSubject(user), "the entries add up to %d, but there is no account", sum)
		}
	}
	return err
}

func pointsSubject(user int64) string { return fmt.Sprintf("points of user %d", user) }
