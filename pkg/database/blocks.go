package database

import (
	"context"
	"slices"
	"strings"
)

// A third of what a long INSERT costs the server is to parse it; a prepared one
// is parsed once per connection and takes the values in binary. Blocks of a few
// dozen narrow rows would lose that again in round trips, and larger ones would
// take more of the server's memory for each connection.
const (
	blockParams = 1500 // about how many parameters a prepared INSERT has
	fullBlock   = 250  // rows of any width, where there are so many: a full batch waits for each of its round trips
)

// insertion is an INSERT without its rows.
type insertion struct {
	verb, table, suffix string
	cols                []string
}

// blockRows is how many rows prepared INSERTs have, the longest first.
func (in insertion) blockRows() [2]int {
	rows := max(1, blockParams/len(in.cols))
	return [2]int{max(rows, fullBlock), rows}
}

func (in insertion) sql(rows int) string {
	return in.verb + " INTO " + in.table + " (" + strings.Join(in.cols, ",") + ") VALUES " + tuples(len(in.cols), rows) + in.suffix
}

// heavyRows is up to how many rows with heavyBytes in them are a block of their
// own: text has them quoted by the client and unquoted by the server, byte by
// byte, and there is one prepared statement for each number of rows.
const (
	heavyRows  = 8
	heavyBytes = 8 << 10
)

func heavy(rows [][]any) bool {
	if len(rows) > heavyRows {
		return false
	}
	size := 0
	for _, row := range rows {
		for _, v := range row {
			if b, ok := v.([]byte); ok {
				size += len(b)
			}
		}
	}
	return size >= heavyBytes
}

// insertChunk inserts rows in whole blocks, as far as they go, and what is left
// in one statement. SQLite, which has no server to spare, gets all in one.
func (tx *Tx) insertChunk(ctx context.Context, in insertion, rows [][]any) error {
	if tx.dialect == SQLite {
		_, err := tx.insertText(ctx, in, rows)
		return err
	}
	if heavy(rows) {
		return tx.insertBlocks(ctx, in, rows, len(rows))
	}
	for _, size := range in.blockRows() {
		whole := len(rows) / size * size
		if err := tx.insertBlocks(ctx, in, rows[:whole], size); err != nil {
			return err
		}
		rows = rows[whole:]
	}
	_, err := tx.insertText(ctx, in, rows)
	return err
}

func (tx *Tx) insertText(ctx context.Context, in insertion, rows [][]any) (affected int64, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	args, err := flatten(rows, len(in.cols))
	if err != nil {
		return 0, err
	}
	return tx.Exec(ctx, in.sql(len(rows)), args...)
}

// insertBlocks inserts rows, of which there are a multiple of size.
func (tx *Tx) insertBlocks(ctx context.Context, in insertion, rows [][]any, size int) error {
	if len(rows) == 0 {
		return nil
	}
	stmt, err := tx.sql.PrepareContext(ctx, in.sql(size))
	if refusesToPrepare(err) {
		_, err := tx.insertText(ctx, in, rows)
		return err
	}
	if err != nil {
		return translate(err)
	}
	defer func() { _ = stmt.Close() }()
	for block := range slices.Chunk(rows, size) {
		args, err := flatten(block, len(in.cols))
		if err != nil {
			return err
		}
		if _, err := stmt.ExecContext(ctx, args...); err != nil {
			return translate(err)
		}
	}
	return nil
}
