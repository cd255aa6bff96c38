package saga

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"souk.example/pkg/database"
)

//go:embed migrations/*.sql barrier/*.sql
var files embed.FS

// Migrations is the schema of the engine's tables, saga and saga_step.
func Migrations() database.Migrations { return migrations("saga", "migrations") }

// BarrierMigrations is the schema of Barrier's table, saga_barrier, for a
// participant's database.
func BarrierMigrations() database.Migrations { return migrations("saga_barrier", "barrier") }

func migrations(name, dir string) database.Migrations {
	sub, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return database.Migrations{Name: name, FS: sub}
}

// create stores a saga that is not there yet.
func create(ctx context.Context, tx *database.Tx, s Saga) (created bool, err error) {
	columns := []string{"id", "type", "step", "op", "status", "version", "due", "attempts", "last_error", "data", "started_at", "updated_at"}
	n, err := tx.InsertIgnore(ctx, "saga", columns, [][]any{{
		s.ID, s.Type, s.Step, string(s.Op), string(s.Status), s.Version, database.Micros(s.Due), s.Attempts, s.LastError,
		append([]byte{}, s.Data...), // nil would be NULL
		database.Micros(s.StartedAt), database.Micros(s.UpdatedAt),
	}})
	return n == 1, err
}

// lock reads a saga and keeps all others from it until tx ends; ErrNoSaga if
// there is none.
func lock(ctx context.Context, tx *database.Tx, id string) (*instance, error) {
	s, err := readSaga(ctx, tx, id, tx.ForUpdate())
	if err != nil {
		return nil, err
	}
	records, err := readRecords(ctx, tx, id)
	return &instance{Saga: s, records: records, changed: map[int]bool{}}, err
}

// save stores a locked saga and what was noted.
func (in *instance) save(ctx context.Context, tx *database.Tx, now time.Time) error {
	const update = `UPDATE saga SET step = ?, op = ?, status = ?, version = version + 1, due = ?, attempts = ?,
		last_error = ?, updated_at = ? WHERE id = ? AND version = ?`
	n, err := tx.Exec(ctx, update, in.Step, string(in.Op), string(in.Status), database.Micros(in.Due), in.Attempts,
		in.LastError, database.Micros(now), in.ID, in.Version)
	if err != nil {
		return fmt.Errorf("save saga %s: %w", in.ID, err)
	}
	if n == 0 {
		return fmt.Errorf("save saga %s: it changed under its lock", in.ID)
	}
	var rows [][]any
	for i, r := range in.records {
		if in.changed[i] {
			rows = append(rows, []any{in.ID, r.Step, string(r.Op), i, string(r.Status), r.Error, database.Micros(r.StartedAt), micros(r.EndedAt)})
		}
	}
	return tx.Upsert(ctx, "saga_step", []string{"saga_id", "step", "op"},
		[]string{"saga_id", "step", "op", "seq", "status", "error", "started_at", "ended_at"}, rows,
		map[string]string{"status": "new(status)", "error": "new(error)", "ended_at": "new(ended_at)"})
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return database.Micros(t)
}

// reader is a transaction, or the database outside one.
type reader interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
}

const selectSaga = "SELECT id, type, step, op, status, version, due, attempts, last_error, started_at, updated_at"

func readSaga(ctx context.Context, r reader, id, suffix string) (Saga, error) {
	var data []byte
	s, err := scanSaga(r.QueryRow(ctx, selectSaga+", data FROM saga WHERE id = ?"+suffix, id), &data)
	if errors.Is(err, database.ErrNotFound) {
		return Saga{}, ErrNoSaga
	}
	s.Data = data
	return s, err
}

type scanner interface{ Scan(dest ...any) error }

func scanSaga(row scanner, further ...any) (s Saga, err error) {
	var due, started, updated int64
	err = row.Scan(append([]any{&s.ID, &s.Type, &s.Step, &s.Op, &s.Status, &s.Version, &due, &s.Attempts, &s.LastError,
		&started, &updated}, further...)...)
	s.Due, s.StartedAt, s.UpdatedAt = database.Time(due), database.Time(started), database.Time(updated)
	return s, err
}

func readRecords(ctx context.Context, r reader, id string) (records []StepRecord, err error) {
	const query = "SELECT step, op, status, error, started_at, ended_at FROM saga_step WHERE saga_id = ? ORDER BY seq"
	rows, err := r.Query(ctx, query, id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r StepRecord
		var started, ended int64
		if err := rows.Scan(&r.Step, &r.Op, &r.Status, &r.Error, &started, &ended); err != nil {
			return nil, err
		}
		r.StartedAt = database.Time(started)
		if ended != 0 {
			r.EndedAt = database.Time(ended)
		}
		records = append(records, r)
	}
	return records, rows.Err()
}
