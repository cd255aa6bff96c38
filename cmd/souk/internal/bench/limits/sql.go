package limits

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/pkg/database"
)

// sql measures rows in scratch tables of order's database.
func (m meter) sql(ctx context.Context) (_ []Limit, err error) {
	engine, err := m.sqlEngine()
	if err != nil {
		return nil, err
	}
	db := m.stack.Database
	if err := dropTables(ctx, db); err != nil {
		return nil, err
	}
	defer cleanup(ctx, &err, func(ctx context.Context) error { return dropTables(ctx, db) })
	if err := makeTables(ctx, db); err != nil {
		return nil, err
	}
	t := &tables{db: db}
	t.last.Store(time.Now().UnixMicro())
	if err := t.fill(ctx); err != nil {
		return nil, err
	}
	var all []Limit
	for _, o := range []struct {
		op   Operation
		step step
	}{
		{InsertOrder, t.insertOrders}, {InsertRow, t.insertRows}, {UpdateOrder, t.updateOrders}, {UpdateRow, t.updateRows}, {UpsertRow, t.upsertRows},
	} {
		l, err := m.measure(ctx, o.op, engine, spin(m.cfg.Duration, o.step))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// sqlEngine is no process for SQLite, which runs in its client.
func (m meter) sqlEngine() ([]cputime.Process, error) {
	if m.stack.Database.Dialect() == database.SQLite {
		return nil, nil
	}
	return m.engine("mariadb")
}

// The scratch tables, with the columns and keys of those whose cost they stand for.
const (
	orderTable = "bench_limits_orders"
	rowTable   = "bench_limits_rows"  // ledger_entry
	stockTable = "bench_limits_stock" // stock
)

func makeTables(ctx context.Context, db *database.DB) error {
	for _, ddl := range []string{
		`CREATE TABLE ` + orderTable + ` (
			id BIGINT NOT NULL, user_id BIGINT NOT NULL, idem_key VARCHAR(255) NOT NULL, fingerprint BLOB NOT NULL,
			status CHAR(12) NOT NULL, version INT NOT NULL, facts INT NOT NULL, items BLOB NOT NULL,
			total BIGINT NOT NULL, payable BIGINT NOT NULL, points_used BIGINT NOT NULL, currency VARCHAR(3) NOT NULL,
			payment_method VARCHAR(16) NOT NULL, reason VARCHAR(32) NOT NULL, created_at BIGINT NOT NULL, deadline BIGINT NOT NULL,
			reserved_at BIGINT NOT NULL, paid_at BIGINT NOT NULL, completed_at BIGINT NOT NULL, closed_at BIGINT NOT NULL,
			payment_token VARCHAR(255) NOT NULL, refund_requested_at BIGINT NOT NULL, refunded_at BIGINT NOT NULL,
			PRIMARY KEY (id), UNIQUE (user_id, idem_key))`,
		`CREATE INDEX bench_limits_orders_by_user ON ` + orderTable + ` (user_id, id)`,
		`CREATE TABLE ` + rowTable + ` (
			cause VARCHAR(64) NOT NULL, debit_account VARCHAR(40) NOT NULL, credit_account VARCHAR(40) NOT NULL,
			amount BIGINT NOT NULL, currency VARCHAR(3) NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (cause))`,
		`CREATE TABLE ` + stockTable + ` (
			sku VARCHAR(64) NOT NULL, available BIGINT NOT NULL, reserved BIGINT NOT NULL, sold BIGINT NOT NULL,
			initial BIGINT NOT NULL, adjusted BIGINT NOT NULL, PRIMARY KEY (sku))`,
	} {
		if _, err := db.Exec(ctx, ddl); err != nil {
			return fmt.Errorf("make a scratch table: %w", err)
		}
	}
	return nil
}

func dropTables(ctx context.Context, db *database.DB) error {
	for _, table := range []string{orderTable, rowTable, stockTable} {
		if _, err := db.Exec(ctx, "DROP TABLE IF EXISTS "+table); err != nil {
			return fmt.Errorf("drop %s: %w", table, err)
		}
	}
	return nil
}

// tables are the scratch tables with, for each worker, a batch of orders and of
// products that only it touches.
type tables struct {
	db       *database.DB
	last     atomic.Int64 // id given out
	orders   [workers][]int64
	products [workers][]string
	versions [workers]int64 // of the worker's orders
}

func (t *tables) fill(ctx context.Context) error {
	for w := range workers {
		for i := range batch {
			t.products[w] = append(t.products[w], fmt.Sprintf("BENCH-%d-%04d", w, i))
		}
		if err := t.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error { return t.fillFor(ctx, tx, w) }); err != nil {
			return fmt.Errorf("fill the scratch tables: %w", err)
		}
	}
	return nil
}

func (t *tables) fillFor(ctx context.Context, tx *database.Tx, worker int) error {
	ids, rows := t.newOrders()
	t.orders[worker] = ids
	if err := tx.Insert(ctx, orderTable, orderColumns(), rows); err != nil {
		return err
	}
	stock := make([][]any, batch)
	for i, sku := range t.products[worker] {
		stock[i] = []any{sku, 1 << 40, 0, 0, 1 << 40, 0}
	}
	return tx.Insert(ctx, stockTable, stockColumns(), stock)
}

func orderColumns() []string {
	return strings.Split("id,user_id,idem_key,fingerprint,status,version,facts,items,total,payable,points_used,currency,payment_method,"+
		"reason,created_at,deadline,reserved_at,paid_at,completed_at,closed_at,payment_token,refund_requested_at,refunded_at", ",")
}

func stockColumns() []string {
	return []string{"sku", "available", "reserved", "sold", "initial", "adjusted"}
}

// newOrders are a batch of rows that no other has.
func (t *tables) newOrders() (ids []int64, rows [][]any) {
	now, first := time.Now().UnixMicro(), t.last.Add(batch)-batch
	fingerprint := make([]byte, 32)
	const items = `[{"sku":"BENCH-0001","quantity":1,"unit_price":100}]`
	for i := range int64(batch) {
		id := first + i
		ids = append(ids, id)
		rows = append(rows, []any{
			id, id % slotUsers, fmt.Sprintf("bench-abcdefghij-%d", id), fingerprint, "PENDING", 1, 0, []byte(items), 100, 100, 0, "CNY", "wallet",
			"", now, now, 0, 0, 0, 0, "", 0, 0,
		})
	}
	return ids, rows
}
