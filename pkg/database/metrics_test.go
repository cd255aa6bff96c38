package database_test

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/pkg/database"
)

func TestEveryPoolShowsItsFigures(t *testing.T) {
	db, registry := open(t), prometheus.NewRegistry()
	if err := db.Register(registry); err != nil {
		t.Fatal(err)
	}
	want := []string{"mysql"}
	if db.Dialect() == database.SQLite {
		want = []string{"sqlite_read", "sqlite_write"}
	}
	if got := pools(t, registry, "go_sql_in_use_connections"); !slices.Equal(got, want) {
		t.Errorf("pools %v, want %v", got, want)
	}
}

// pools are those that show the metric.
func pools(t *testing.T, registry *prometheus.Registry, metric string) (names []string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == metric {
				names = append(names, m.GetLabel()[0].GetValue())
			}
		}
	}
	return names
}
