package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"souk.example/internal/embedded"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
)

// openDatabase opens a service's database as it stands; it makes none.
func (a *app) openDatabase(ctx context.Context, service string) (*database.DB, error) {
	dsn := embedded.DSN(a.home.Data(), service)
	if _, err := os.Stat(strings.TrimPrefix(dsn, "sqlite:")); err != nil {
		return nil, fmt.Errorf("no data of %s (has souk been up?): %w", service, err)
	}
	return a.createDatabase(ctx, service)
}

// createDatabase opens a service's database, making an empty one if need be.
func (a *app) createDatabase(ctx context.Context, service string) (*database.DB, error) {
	db, err := database.Open(ctx, database.Config{DSN: config.Secret(embedded.DSN(a.home.Data(), service))})
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
