package database

import (
	"context"
	driverapi "database/sql/driver"
	"errors"
	"fmt"
)

// connector makes connections on which every transaction is READ COMMITTED that
// asks for nothing else, and which keep prepared statements. To ask per
// transaction would take a round trip each; a system variable in the DSN would
// do, but MariaDB and MySQL call it differently, and the statement is standard.
type connector struct{ driverapi.Connector }

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driverapi.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	s, ok := made.(session)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a %T is not all that a session must be", made), made.Close())
	}
	const set = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
	if _, err := s.ExecContext(ctx, set, nil); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &connection{session: s, prepared: make(map[string]statement)}, nil
}

// session is all that database/sql looks for in a connection of the driver, and
// statement in a statement.
type (
	session interface {
		driverapi.Conn
		driverapi.ConnBeginTx
		driverapi.ConnPrepareContext
		driverapi.ExecerContext
		driverapi.QueryerContext
		driverapi.NamedValueChecker
		driverapi.Pinger
		driverapi.SessionResetter
		driverapi.Validator
	}
	statement interface {
		driverapi.Stmt
		driverapi.StmtExecContext
		driverapi.StmtQueryContext
		driverapi.NamedValueChecker
	}
)

// preparedMax bounds the statements that a connection keeps; the server has
// some hundred bytes for each of their parameters. A table takes one for its
// blocks, and up to heavyRows of few parameters each.
const preparedMax = 32

// connection keeps the statements that are prepared on it for as long as it
// lives, so that each is parsed once.
type connection struct {
	session
	prepared map[string]statement
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *connection) PrepareContext(ctx context.Context, query string) (driverapi.Stmt, error) {
	if s, ok := c.prepared[query]; ok {
		return kept{s, c, query}, nil
	}
	made, err := c.session.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s, ok := made.(statement)
	if !ok || len(c.prepared) >= preparedMax {
		return made, nil
	}
	c.prepared[query] = s
	return kept{s, c, query}, nil
}

// kept is a statement that its connection closes.
type kept struct {
	statement
	of    *connection
	query string
}

// Close implements driver.Stmt.
func (kept) Close() error { return nil }

// ExecContext implements driver.StmtExecContext. A statement that failed is
// prepared anew next time: the server may have forgotten it.
func (k kept) ExecContext(ctx context.Context, args []driverapi.NamedValue) (driverapi.Result, error) {
	result, err := k.statement.ExecContext(ctx, args)
	if err != nil && k.of.prepared[k.query] == k.statement {
		delete(k.of.prepared, k.query)
		_ = k.statement.Close() // what matters is why it failed
	}
	return result, err
}
