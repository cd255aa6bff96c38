package saga

import (
	"context"
	"fmt"

	"souk.example/pkg/database"
)

// Barrier tells a participant whether to carry out an op of a saga's step, in
// the transaction tx that carries it out. Its answer is no for
//
//   - a duplicate: the op stands already;
//   - an empty compensation: its action has not been carried out here. That is
//     remembered, so that the action is not carried out
//   - hanging: when it comes after its compensation.
//
// In each of these cases the participant answers as it did or would have done:
// the saga ignores what it does not wait for.
//
// It is DTM's barrier: every op inserts its own row, and a compensation first
// inserts its action's. Where that succeeds, the action has not come, and finds
// its row taken when it does; while it is under way, the insert waits for its
// end. So tx must write what it decides, and a refusal must roll back, or be
// remembered by the participant itself. tx must be of a database with the table
// of BarrierMigrations.
func Barrier(ctx context.Context, tx *database.Tx, sagaID, step string, op Op) (carryOut bool, err error) {
	empty := false
	if op == Compensation {
		if empty, err = claim(ctx, tx, sagaID, step, Action, op); err != nil {
			return false, err
		}
	}
	first, err := claim(ctx, tx, sagaID, step, op, op)
	return first && !empty, err
}

// claim inserts an op's row, and reports whether nobody had.
func claim(ctx context.Context, tx *database.Tx, sagaID, step string, op, by Op) (first bool, err error) {
	n, err := tx.InsertIgnore(ctx, "saga_barrier", []string{"saga_id", "step", "op", "inserted_by"},
		[][]any{{sagaID, step, string(op), string(by)}})
	if err != nil {
		return false, fmt.Errorf("barrier of saga %s, step %s: %w", sagaID, step, err)
	}
	return n == 1, nil
}
