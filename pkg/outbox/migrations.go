package outbox

import (
	"embed"
	"io/fs"

	"souk.example/pkg/database"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations is the schema of this package's tables.
func Migrations() database.Migrations {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded above
	}
	return database.Migrations{Name: "outbox", FS: sub}
}
