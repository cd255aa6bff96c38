// Package config reads a program's settings from its environment and flags.
package config

import "errors"

// Load reads T.
func Load[T any](name string, args []string, environ []string) (T, error) {
	var t T
	return t, errors.New("not built")
}

// Redacted prints v one line per field.
func Redacted(v any) string { return "" }
