package main

import (
	"cmp"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print what this binary was built from",
		Example: "  souk version\n  souk version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if a.json {
				return a.printJSON(v)
			}
			a.printf("souk %s (%s)\n", v.Revision, v.Go)
			return nil
		},
	}
	a.jsonFlag(cmd)
	return cmd
}

type version struct {
	Revision string `json:"revision"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
}

// revision is set by the linker where the Go tool sees no checkout: in an image.
var revision string

// readVersion tells the commit the binary was built from, as its build or the
// Go tool recorded it; "unknown" without either.
func readVersion() version {
	v := version{Revision: cmp.Or(revision, "unknown")}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	v.Go = info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}
