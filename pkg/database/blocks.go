package database

import (
	"context"
	"slices"
)

// blockParams is about how many parameters a prepared INSERT has. A third of
// what a long INSERT costs the server is to parse it; a prepared one is parsed
// once per connection and takes the values in binary. Blocks of a few dozen
// narrow rows would lose that again in round trips; larger ones would take more
// of the server's memory for each connection.
const blockParams = 1500

// insertion is an INSERT without its rows.
type insertion struct {
	prefix, suffix string
	width          int // columns
}

// blockRows is how many rows a prepared INSERT has.
func (in insertion) blockRows() int { return max(1, blockParams/in.width) }

func (in insertion) sql(rows int) string { return in.prefix + tuples(in.width, rows) + in.suffix }

// insertChunk inserts rows in whole blocks, as far as they go, and what is left
// in one statement. SQLite, which has no server to spare, gets all in one.
func (tx *Tx) insertChunk(ctx context.Context, in insertion, rows [][]any) (affected int64, err error) {
	whole := len(rows) / in.blockRows() * in.blockRows()
	if tx.dialect == SQLite || whole == 0 {
		return tx.insertText(ctx, in, rows)
	}
	affected, err = tx.insertBlocks(ctx, in, rows[:whole])
	if err != nil || whole == len(rows) {
		return affected, err
	}
	n, err := tx.insertText(ctx, in, rows[whole:])
	return affected + n, err
}

func (tx *Tx) insertText(ctx context.Context, in insertion, rows [][]any) (affected int64, err error) {
	args, err := flatten(rows, in.width)
	if err != nil {
		return 0, err
	}
	return tx.Exec(ctx, in.sql(len(rows)), args...)
}

func (tx *Tx) insertBlocks(ctx context.Context, in insertion, rows [][]any) (affected int64, err error) {
	stmt, err := tx.sql.PrepareContext(ctx, in.sql(in.blockRows()))
	if refusesToPrepare(err) {
		return tx.insertText(ctx, in, rows)
	}
	if err != nil {
		return 0, translate(err)
	}
	defer func() { _ = stmt.Close() }()
	for block := range slices.Chunk(rows, in.blockRows()) {
		args, err := flatten(block, in.width)
		if err != nil {
			return 0, err
		}
		res, err := stmt.ExecContext(ctx, args...)
		if err != nil {
			return 0, translate(err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return 0, err
		}
		affected += n
	}
	return affected, nil
}
