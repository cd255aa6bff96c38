package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"souk.example/pkg/database"
)

// longestSum is how long a database may compute before it says anything: an
// audit looks at every row.
const longestSum = 10 * time.Minute

// openDatabase opens a service's database as it stands; it makes none.
func (a *app) openDatabase(ctx context.Context, service string) (*database.DB, error) {
	dsn, err := a.platform.dsn(service)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no data of %s (has souk been up?): %w", service, err)
	}
	if err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, database.Config{DSN: dsn, ReadTimeout: longestSum})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	return db, nil
}

// databases are the open databases of some services, by service.
type databases map[string]*database.DB

func (a *app) openDatabases(ctx context.Context, services ...string) (databases, error) {
	all := databases{}
	for _, s := range services {
		db, err := a.openDatabase(ctx, s)
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all[s] = db
	}
	return all, nil
}

func (d databases) close() error {
	var errs []error
	for _, db := range d {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
