package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
)

// adversary connects to MariaDB as its administrator.
func (s *souk) adversary(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{DSN: s.adminDSN(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// adminDSN is where MariaDB's administrator connects.
func (s *souk) adminDSN(t *testing.T) config.Secret {
	t.Helper()
	const name = "SOUK_TEST_MYSQL_DSN="
	for line := range strings.Lines(s.run("infra", "env").stdout) {
		_, dsn, found := strings.Cut(line, name)
		if found {
			return config.Secret("mysql:" + strings.Trim(strings.TrimSpace(dsn), "'\""))
		}
	}
	t.Fatal("souk infra env names no database")
	return ""
}

// deadlocks locks what services lock last before what they lock first. It holds
// more locks than they do, so that they are the ones MariaDB turns away.
func (c *chaos) deadlocks() {
	db := c.souk.adversary(c.t)
	before, enough := c.deadlocked(db), int64(c.rounds(16))
	for range c.rounds(80) {
		for _, table := range []string{"inventory.stock", "payment.wallet", "points.points_account"} {
			schema, _, _ := strings.Cut(table, ".")
			_ = db.InTx(c.t.Context(), func(ctx context.Context, tx *database.Tx) error { // may be turned away itself
				if _, err := tx.Exec(ctx, "SELECT next_offset FROM "+schema+".consumer_progress FOR UPDATE"); err != nil {
					return err
				}
				c.wait(5 * time.Millisecond)
				_, err := tx.Exec(ctx, "SELECT COUNT(*) FROM "+table+" FOR UPDATE")
				return err
			})
		}
		if n := c.deadlocked(db) - before; c.short && n >= 2*enough {
			break
		}
		c.wait(50 * time.Millisecond)
	}
	if n := c.deadlocked(db) - before; n < enough {
		c.t.Errorf("void: %d deadlocks", n)
	}
}

// deadlocked counts MariaDB's deadlocks so far.
func (c *chaos) deadlocked(db *database.DB) (n int64) {
	var name string
	if err := db.QueryRow(c.t.Context(), "SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'").Scan(&name, &n); err != nil {
		c.t.Error(err)
	}
	return n
}
