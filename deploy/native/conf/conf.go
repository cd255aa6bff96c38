// Package conf holds the configuration files of the engines souk runs on
// without containers. Only ports and paths are filled
// in, where they say ${…}; everything else stands in the files.
package conf

import "embed"

// Files holds every file at its root.
//
//go:embed *.conf *.cnf *.properties *.options
var Files embed.FS
