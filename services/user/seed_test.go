package user_test

import (
	"testing"
	"time"

	"go.uber.org/fx"

	"souk.example/pkg/auth"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
	"souk.example/services/user"
	"souk.example/services/user/migrations"
)

func TestModuleIsComplete(t *testing.T) {
	private, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	cfg := user.Config{
		Database: database.Config{DSN: config.Secret("sqlite:" + t.TempDir() + "/user.db")},
		Minter:   auth.MinterConfig{PrivateKey: private},
		Auth:     auth.Config{PublicKeys: public},
	}
	if err := fx.ValidateApp(user.Module(cfg)); err != nil {
		t.Error(err)
	}
}

func TestTheLimitOfLoginsIsChecked(t *testing.T) {
	for cfg, ok := range map[*user.Config]bool{
		{}: true, // switched off
		{LoginFailures: 10, LoginFailureEvery: 30 * time.Second}: true,
		{LoginFailures: -1, LoginFailureEvery: 30 * time.Second}: false,
		{LoginFailures: 10}: false,
	} {
		if err := cfg.Validate(); (err == nil) != ok {
			t.Errorf("%d every %v: %v", cfg.LoginFailures, cfg.LoginFailureEvery, err)
		}
	}
}

func TestSeedIsIdempotent(t *testing.T) {
	db, ids := databasetest.Open(t, migrations.Set()), idgen.Static(1)
	people := []user.Person{
		{Email: "demo@souk.example", Password: "souk-demo-password", Name: "Demo", Role: auth.RoleUser},
		{Email: "admin@souk.example", Password: "souk-admin-password", Name: "Admin", Role: auth.RoleAdmin},
	}
	for range 2 {
		if err := user.Seed(t.Context(), db, ids, people); err != nil {
			t.Fatal(err)
		}
	}
	var n, admins int
	err := db.QueryRow(t.Context(), "SELECT COUNT(*), SUM(CASE WHEN role = 'admin' THEN 1 ELSE 0 END) FROM users").Scan(&n, &admins)
	if err != nil || n != 2 || admins != 1 {
		t.Errorf("%d users, %d admins, %v", n, admins, err)
	}
}

func TestEnsureLoadUsers(t *testing.T) {
	db, ids := databasetest.Open(t, migrations.Set()), idgen.Static(1)
	start := time.Now()
	first, err := user.EnsureLoadUsers(t.Context(), db, ids, 10_000)
	if err != nil || len(first) != 10_000 || first[0].Email != "load-000001@souk.example" || first[9999].Email != "load-010000@souk.example" {
		t.Fatalf("%d users, %v", len(first), err)
	}
	t.Logf("10,000 users in %v", time.Since(start))
	again, err := user.EnsureLoadUsers(t.Context(), db, ids, 10)
	if err != nil || len(again) != 10 || again[9] != first[9] {
		t.Errorf("again: %+v, %v", again, err)
	}
}
