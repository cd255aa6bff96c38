package database

import (
	"context"
	"database/sql"
	driverapi "database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"

	driver "github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

var (
	// ErrDuplicate: a unique key holds such a row already. Its text names the
	// key, never the value.
	ErrDuplicate = errors.New("duplicate key")
	// ErrCommitUnknown: the connection was lost while COMMIT was under way,
	// so the transaction may stand. Repeat it, recognising your own rows.
	ErrCommitUnknown = errors.New("outcome of the commit is unknown")
	// ErrLater is for other packages to wrap: the work did not get what it
	// needs, through no fault of its data, and may get it later.
	ErrLater = errors.New("try again later")
	// ErrStale is for other packages to wrap: the work was decided on what had
	// been read before the transaction, and an UPDATE's condition has shown that
	// it is so no more. InTx rolls back and runs the work again.
	ErrStale = errors.New("changed since it was read")
	// ErrNotFound: there is no such row. GORM's own error matches it too.
	ErrNotFound = sql.ErrNoRows
)

// Numbers of MySQL's errors that this package tells apart.
const (
	myDuplicate       = 1062
	myCheckRead       = 1020 // MariaDB: record has changed since last read
	myDiskFull        = 1021
	myTooManyConns    = 1040
	myServerShutdown  = 1053
	myTableFull       = 1114 // InnoDB: its disk is full
	myLockWaitTimeout = 1205
	myDeadlock        = 1213
	myReadOnly        = 1290
	myNotPreparable   = 1295
	myTooManyPrepared = 1461
	myKilled          = 1927
	tiTxnRetryable    = 8002 // TiDB: these four ask for the transaction again
	tiTxnRetried      = 8022
	tiSchemaChanged   = 8028
	tiWriteConflict   = 9007
)

// translate turns a driver's error into this package's own where there is one.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if my, ok := errors.AsType[*driver.MySQLError](err); ok && my.Number == myDuplicate {
		_, key, _ := strings.Cut(my.Message, " for key ")
		return fmt.Errorf("%w: %s", ErrDuplicate, key)
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() {
		case lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_UNIQUE:
			_, key, _ := strings.Cut(lite.Error(), "constraint failed: ")
			return fmt.Errorf("%w: %s", ErrDuplicate, key)
		}
	}
	if errors.Is(err, gorm.ErrRecordNotFound) && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w (%w)", ErrNotFound, err)
	}
	return err
}

// IsTransient reports whether the same work may succeed later, unchanged: a
// conflict with another transaction, a lost connection, an unknown commit, a full
// disk, or whatever wraps ErrLater. The end of the caller's own context is not
// transient.
func IsTransient(err error) bool {
	return errors.Is(err, ErrCommitUnknown) || errors.Is(err, ErrLater) || wantsRerun(err) || isConnectionLoss(err) || isFull(err)
}

// isFull reports whether the database has no room for what it was given.
func isFull(err error) bool {
	if my, ok := errors.AsType[*driver.MySQLError](err); ok {
		return my.Number == myDiskFull || my.Number == myTableFull
	}
	lite, ok := errors.AsType[*sqlite.Error](err)
	return ok && lite.Code()&0xff == lib.SQLITE_FULL
}

// wantsRerun reports whether the transaction is to run again from its start:
// the database rolled it back and asks for that, or the work does (ErrStale).
func wantsRerun(err error) bool {
	if errors.Is(err, ErrStale) {
		return true
	}
	if my, ok := errors.AsType[*driver.MySQLError](err); ok {
		switch my.Number {
		case myDeadlock, myLockWaitTimeout, myCheckRead, tiTxnRetryable, tiTxnRetried, tiSchemaChanged, tiWriteConflict:
			return true
		}
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		switch lite.Code() & 0xff { // the primary code
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
			return true
		}
	}
	return false
}

func isConnectionLoss(err error) bool {
	if my, ok := errors.AsType[*driver.MySQLError](err); ok {
		switch my.Number {
		case myServerShutdown, myTooManyConns, myKilled, myReadOnly:
			return true
		}
		return false
	}
	if isContextEnd(err) {
		return false
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, driverapi.ErrBadConn) || errors.Is(err, driver.ErrInvalidConn)
}

// refusesToPrepare reports whether a server, or a proxy before it, takes a
// statement as text only.
func refusesToPrepare(err error) bool {
	my, ok := errors.AsType[*driver.MySQLError](err)
	return ok && (my.Number == myNotPreparable || my.Number == myTooManyPrepared)
}

func isContextEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
