package native

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
)

// Databases makes the named databases, each with an account of the same name
// that may use that one and no other. Those that exist stay as they are, but
// for the password, which becomes the one in Home/keys. MariaDB must run. A
// name is lower case letters and digits, at most 32 of them.
func (e *Engines) Databases(ctx context.Context, names ...string) error {
	return e.alone(ctx, func() (err error) {
		db, err := e.sql.open(ctx)
		if err != nil {
			return fmt.Errorf("reach mariadb on %s: %w", e.mariadb.address(), err)
		}
		defer func() { err = errors.Join(err, db.Close()) }()
		for _, name := range names {
			if err := e.sql.create(ctx, db, name); err != nil {
				return fmt.Errorf("create database %s: %w", name, err)
			}
		}
		return nil
	})
}

// DSN is how a service reaches the database that Databases has made, in the
// form of SOUK_DATABASE_DSN. An error when no such account was made.
func (e *Engines) DSN(name string) (config.Secret, error) { return e.sql.dsn(name, name, e.sql.port()) }

// AdminDSN names no database; its account may do everything. It exists once Up
// has started MariaDB.
func (e *Engines) AdminDSN() (config.Secret, error) { return e.sql.dsn(admin, "", e.sql.port()) }

// TestEnviron is the environment, as "K=V" strings, in which the test suites
// run on these engines instead of the embedded ones. It exists when AdminDSN
// does. The suites make databases, topics and Redis servers of their own.
func (e *Engines) TestEnviron() ([]string, error) {
	dsn, err := e.AdminDSN()
	if err != nil {
		return nil, err
	}
	return []string{
		"SOUK_TEST_REDIS_SERVER=" + program("redis-server"),
		"SOUK_TEST_KAFKA_BROKERS=" + e.KafkaAddr(),
		"SOUK_TEST_MYSQL_DSN=" + strings.TrimPrefix(dsn.Reveal(), "mysql:"),
	}, nil
}

func (m *mariadbEngine) create(ctx context.Context, db *database.DB, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	password, err := m.passwords.ensure(name)
	if err != nil {
		return err
	}
	for _, statement := range []string{
		"CREATE DATABASE IF NOT EXISTS `" + name + "` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
		accountSQL(name, password, "CREATE USER IF NOT EXISTS"),
		accountSQL(name, password, "ALTER USER"),
		"GRANT ALL PRIVILEGES ON `" + name + "`.* TO '" + name + "'@'127.0.0.1'",
	} {
		if _, err := db.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// nameForm leaves nothing that SQL would need quoted, nor the underscore, which
// is a wildcard in GRANT.
const nameForm = `^[a-z][a-z0-9]{0,31}$`

func checkName(name string) error {
	if ok, _ := regexp.MatchString(nameForm, name); !ok || name == admin {
		return fmt.Errorf("%q cannot name a database of souk's; want %s and not %q", name, nameForm, admin)
	}
	return nil
}
