package database

import (
	gormmysql "gorm.io/driver/mysql"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// translating gives GORM's statements this package's errors; GORM's own
// translation misses SQLite's duplicates.
type translating struct{ gorm.Dialector }

// Translate implements gorm.ErrorTranslator.
func (translating) Translate(err error) error { return translate(err) }

func openORM(d Dialect, pool gorm.ConnPool) (*gorm.DB, error) {
	var dialector gorm.Dialector = &gormsqlite.Dialector{DriverName: "sqlite", Conn: pool}
	if d == MySQL {
		dialector = gormmysql.New(gormmysql.Config{Conn: pool, SkipInitializeWithVersion: true})
	}
	return gorm.Open(translating{dialector}, &gorm.Config{
		SkipDefaultTransaction:   true,
		DisableNestedTransaction: true, // savepoints are not in the subset
		DisableAutomaticPing:     true,
		TranslateError:           true,
		Logger:                   logger.Discard, // it would print values
	})
}
