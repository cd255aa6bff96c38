package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"souk.example/pkg/database"
	"souk.example/services/points/internal/points"
)

// LockAccounts implements points.Unit; users come in ascending order, and are
// locked in it: two batches never wait for each other in a circle.
func (u unit) LockAccounts(ctx context.Context, users []points.UserID) (map[points.UserID]points.Account, error) {
	found := make(map[points.UserID]points.Account, len(users))
	for ids := range slices.Chunk(users, chunk) {
		if err := u.lockAccounts(ctx, ids, found); err != nil {
			return nil, fmt.Errorf("lock %d points accounts: %w", len(ids), err)
		}
	}
	return found, nil
}

func (u unit) lockAccounts(ctx context.Context, users []points.UserID, into map[points.UserID]points.Account) error {
	in, args := database.In(users)
	rows, err := u.tx.Query(ctx, "SELECT user_id, balance, frozen, debt FROM points_account WHERE user_id IN "+in+
		" ORDER BY user_id"+u.tx.ForUpdate(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r accountRow
		if err := rows.Scan(&r.UserID, &r.Balance, &r.Frozen, &r.Debt); err != nil {
			return err
		}
		into[points.UserID(r.UserID)] = r.account()
	}
	return rows.Err()
}

// fewDebtors is how many it costs less to read than to ask about each user.
const fewDebtors = 100

// Debtors implements points.Unit; users come in ascending order. It locks
// nothing: who comes to owe a moment later pays from what he earns after that.
// While few owe, all who do are read from the index of debts.
func (u unit) Debtors(ctx context.Context, users []points.UserID) ([]points.UserID, error) {
	if len(users) == 0 {
		return nil, nil
	}
	all, err := u.readUsers(ctx, "SELECT user_id FROM points_account WHERE debt > 0 LIMIT ?", []any{fewDebtors + 1})
	if err != nil {
		return nil, fmt.Errorf("list debtors: %w", err)
	}
	if len(all) > fewDebtors {
		return u.debtorsAmong(ctx, users)
	}
	return slices.DeleteFunc(all, func(id points.UserID) bool {
		_, asked := slices.BinarySearch(users, id)
		return !asked
	}), nil
}

func (u unit) debtorsAmong(ctx context.Context, users []points.UserID) (debtors []points.UserID, err error) {
	for ids := range slices.Chunk(users, chunk) {
		in, args := database.In(ids)
		found, err := u.readUsers(ctx, "SELECT user_id FROM points_account WHERE debt > 0 AND user_id IN "+in, args)
		if err != nil {
			return nil, fmt.Errorf("look up debts of %d users: %w", len(ids), err)
		}
		debtors = append(debtors, found...)
	}
	return debtors, nil
}

func (u unit) readUsers(ctx context.Context, query string, args []any) (users []points.UserID, err error) {
	rows, err := u.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id points.UserID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		users = append(users, id)
	}
	return users, rows.Err()
}

// moveAccounts adds each account's movement, in the order of their keys. What
// accounts gain comes first: it may be a user's first points, and in use at once.
func (u unit) moveAccounts(ctx context.Context, moves map[points.UserID]points.Move) error {
	var gained, promised [][]any
	for _, user := range slices.Sorted(maps.Keys(moves)) {
		m := moves[user]
		if m.Balance > 0 {
			gained = append(gained, []any{int64(user), m.Balance, 0, 0})
		}
		if m.Balance < 0 || m.Frozen != 0 || m.Debt != 0 {
			promised = append(promised, []any{int64(user), min(m.Balance, 0), m.Frozen, m.Debt})
		}
	}
	err := u.tx.Upsert(ctx, "points_account", accountColumns[:1], accountColumns, gained,
		map[string]string{"balance": "old(balance) + new(balance)"})
	if err != nil {
		return fmt.Errorf("credit %d accounts: %w", len(gained), err)
	}
	return u.promise(ctx, promised)
}

// promise moves points between free, frozen and used, and what is owed. Under
// the lock nobody promises what is not there, or pays what is not owed; the condition is there for the day somebody
// forgets the lock, and a miscount fails the transaction.
func (u unit) promise(ctx context.Context, rows [][]any) error {
	n, err := u.tx.UpdateMany(ctx, database.UpdateMany{
		Table: "points_account", Key: []string{"user_id"}, Values: []string{"balance", "frozen", "debt"}, Rows: rows,
		Set:   map[string]string{"balance": "t.balance + v.balance", "frozen": "t.frozen + v.frozen", "debt": "t.debt + v.debt"},
		Where: "t.frozen + v.frozen >= 0 AND t.balance + v.balance >= t.frozen + v.frozen AND t.debt + v.debt >= 0", Locked: true,
	})
	if err != nil {
		return fmt.Errorf("move %d accounts: %w", len(rows), err)
	}
	if n != int64(len(rows)) {
		return fmt.Errorf("move accounts: only %d of %d held enough", n, len(rows))
	}
	return nil
}
