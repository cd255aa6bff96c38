//go:build !failpoints

// Package failpoint marks the places at which a test kills the process, to show
// that nothing is lost there. Without the build tag failpoints it is nothing.
package failpoint

// Hit marks a place.
func Hit(string) {}
