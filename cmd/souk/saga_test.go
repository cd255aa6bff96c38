package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"souk.example/internal/embedded"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/plaintext"
	"souk.example/pkg/saga"
)

// The owner's words and a service's complaint stand in the database as they
// came; they must not steer the terminal of whoever looks at them.
func TestASagaIsShownWithoutWhatSteersATerminal(t *testing.T) {
	const why, complaint = "fits\u202e\u0085", "no\x1b[2J\nthing"
	ownHome(t)
	keepSaga(t, why, complaint)
	shown := souk(t, "saga", "show", "7")
	var row sagaRow
	if err := json.Unmarshal([]byte(shown.stdout), &row); err != nil || row.Data != why || row.Error != complaint {
		t.Errorf("saga show tells %+v, %v, %v", row, err, shown.err)
	}
	listed := souk(t, "saga", "ls")
	for _, out := range []string{shown.stdout, listed.stdout} {
		if out == "" || !plaintext.Is(strings.ReplaceAll(out, "\n", "")) {
			t.Errorf("printed as it came: %q", out)
		}
	}
	if lines := strings.Count(listed.stdout, "\n"); lines != 2 {
		t.Errorf("one saga in %d lines: %s", lines, listed.stdout)
	}
}

// keepSaga puts the saga 7 into the database of the order service at home.
func keepSaga(t *testing.T, why, complaint string) {
	t.Helper()
	a := &app{}
	if err := a.configure(os.Getenv); err != nil {
		t.Fatal(err)
	}
	if err := a.home.Create(); err != nil {
		t.Fatal(err)
	}
	db, err := database.Open(t.Context(), database.Config{DSN: config.Secret(embedded.DSN(a.home.Data(), sagaService))})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context(), saga.Migrations()); err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(t.Context(), "INSERT INTO saga (id, type, step, op, status, version, due, attempts, last_error, data, started_at, updated_at) "+
		"VALUES ('7', 'return', 'restock', 'action', 'STUCK', 1, 1, 1, ?, ?, 1, 1)", complaint, []byte(why))
	if err != nil {
		t.Fatal(err)
	}
}
