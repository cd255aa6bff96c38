package telemetry

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// builtFrom is the commit that the Go tool recorded when it built this program,
// "unknown" where it saw no checkout.
func builtFrom() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	revision := ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return cmp.Or(revision, "unknown")
}

// buildInfo is a constant 1 whose labels say what runs: a rollout can be seen.
func buildInfo(revision string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "souk_build_info",
		Help:        "1, labelled with what this process was built from.",
		ConstLabels: prometheus.Labels{"revision": revision, "go": runtime.Version()},
	}, func() float64 { return 1 })
}
