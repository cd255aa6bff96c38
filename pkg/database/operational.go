package database

import (
	"errors"

	driver "github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// What MySQL says about the data it was given; see also myDuplicate.
const (
	myNotNull        = 1048
	myOutOfRange     = 1264
	myTruncated      = 1265
	myTruncatedValue = 1292
	myDivisionByZero = 1365
	myWrongValue     = 1366
	myTooLong        = 1406
	myOverflow       = 1690
	myCheckFailed    = 3819
	mariaCheckFailed = 4025
	tiEntryTooLarge  = 8025
)

// IsOperational reports whether err is the database's own (in the sense of
// Python's PEP 249): a full disk, a missing table, a packet too large, a
// conflict. Other data would have met it as well, and once it is cured the same
// data may succeed. The errors that are about the data are the short list, so
// a number nobody has thought of is operational. Errors of other origin, and
// ErrDuplicate, are not.
func IsOperational(err error) bool {
	if my, ok := errors.AsType[*driver.MySQLError](err); ok {
		return !mysqlBlamesData(my.Number)
	}
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return !sqliteBlamesData(lite.Code())
	}
	return errors.Is(err, driver.ErrPktTooLarge) || errors.Is(err, driver.ErrMalformPkt)
}

func mysqlBlamesData(number uint16) bool {
	switch number {
	case myDuplicate, myNotNull, myOutOfRange, myTruncated, myTruncatedValue, myDivisionByZero,
		myWrongValue, myTooLong, myOverflow, myCheckFailed, mariaCheckFailed, tiEntryTooLarge:
		return true
	}
	return false
}

func sqliteBlamesData(code int) bool {
	switch code & 0xff { // the primary code
	case lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_TOOBIG:
		return true
	}
	return false
}
