package database

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Register registers the figures of the connection pools, go_sql_*, with reg:
// label db_name is mysql, or sqlite_write and sqlite_read.
func (db *DB) Register(reg prometheus.Registerer) error {
	if db.read == db.write {
		return reg.Register(collectors.NewDBStatsCollector(db.write, "mysql"))
	}
	return errors.Join(
		reg.Register(collectors.NewDBStatsCollector(db.write, "sqlite_write")),
		reg.Register(collectors.NewDBStatsCollector(db.read, "sqlite_read")),
	)
}
