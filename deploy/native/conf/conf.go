// Package conf holds the configuration files of the engines souk runs on
// without containers. They are text/template templates: only paths and ports
// are filled in, everything else stands in the files.
package conf

import "embed"

// Files holds every template at its root.
//
//go:embed *.conf *.cnf *.properties *.options
var Files embed.FS
