//go:build failpoints

// Package failpoint marks the places at which a test kills the process, to show
// that nothing is lost there.
package failpoint

import (
	"os"
	"syscall"
)

// Hit kills the process with SIGKILL if SOUK_FAILPOINT names this place. Where
// SOUK_FAILPOINT_ONCE names a file, it does so once: the file is made just
// before, and while it is there the process lives.
func Hit(place string) {
	if os.Getenv("SOUK_FAILPOINT") != place || !first(os.Getenv("SOUK_FAILPOINT_ONCE")) {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

func first(marker string) bool {
	if marker == "" {
		return true
	}
	f, err := os.OpenFile(marker, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	return f.Close() == nil
}
