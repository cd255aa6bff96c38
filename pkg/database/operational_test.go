package database_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"

	"souk.example/pkg/database"
)

func TestIsOperational(t *testing.T) {
	number := func(n uint16) error { return &mysql.MySQLError{Number: n} }
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"nil":                   {nil, false},
		"of the program":        {errors.New("no such order"), false},
		"duplicate":             {database.ErrDuplicate, false},
		"untranslated":          {number(1062), false},
		"null":                  {number(1048), false},
		"out of range":          {number(1264), false},
		"truncated":             {number(1265), false},
		"wrong value":           {number(1366), false},
		"too long":              {number(1406), false},
		"MySQL's CHECK":         {number(3819), false},
		"MariaDB's CHECK":       {number(4025), false},
		"disk full":             {number(1021), true},
		"table full":            {number(1114), true},
		"no such table":         {number(1146), true},
		"packet too large":      {number(1153), true},
		"too many placeholders": {number(1390), true},
		"deadlock":              {number(1213), true},
		"a number nobody knows": {number(64_999), true},
		"driver's packet limit": {mysql.ErrPktTooLarge, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.err
			if err != nil {
				err = fmt.Errorf("wrapped: %w", err)
			}
			if got := database.IsOperational(err); got != test.want {
				t.Errorf("IsOperational(%v) = %t", err, got)
			}
		})
	}
}

func TestIsOperationalOnTheServersOwnErrors(t *testing.T) {
	db := open(t)
	tests := map[string]bool{
		"INSERT INTO account (id, owner, balance) VALUES (1, NULL, 1)": false,
		"INSERT INTO nowhere (id) VALUES (1)":                          true,
		"INSERT INTO account (id, owner, balance) VALUES (":            true,
	}
	if db.Dialect() == database.SQLite {
		tests["INSERT INTO account (id, owner, balance) VALUES (1, zeroblob(2000000000), 1)"] = false
		tests["PRAGMA max_page_count = 1; INSERT INTO account (id, owner, balance) VALUES (1, zeroblob(1000000), 1)"] = true
	}
	for statement, want := range tests {
		err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, statement)
			return err
		})
		if err == nil || database.IsOperational(err) != want {
			t.Errorf("%s: IsOperational(%v) = %t", statement, err, !want)
		}
	}
}

// Whoever has no room says so with an error of its own, not by losing the
// connection: the work is to be done when there is room again.
func TestAFullDiskIsTransient(t *testing.T) {
	for _, number := range []uint16{1021, 1114} {
		if err := fmt.Errorf("wrapped: %w", &mysql.MySQLError{Number: number}); !database.IsTransient(err) {
			t.Errorf("%v is not transient", err)
		}
	}
	db := open(t)
	if db.Dialect() != database.SQLite {
		t.Skip("a MariaDB whose disk is full is part of make chaos")
	}
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "PRAGMA max_page_count = 1; INSERT INTO account (id, owner, balance) VALUES (1, zeroblob(1000000), 1)")
		return err
	})
	if !database.IsTransient(err) {
		t.Errorf("IsTransient(%v) = false", err)
	}
}
