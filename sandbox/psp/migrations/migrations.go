// Package migrations holds the sandbox provider's schema.
package migrations

import (
	"embed"

	"souk.example/pkg/database"
)

//go:embed *.sql
var files embed.FS

// Set is the schema, for database.Migrate.
func Set() database.Migrations { return database.Migrations{Name: "psp", FS: files} }
