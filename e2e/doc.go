// Package e2e holds black-box tests of a whole souk: they build the CLI, start
// the platform with it as a newcomer would, and then speak HTTP only.
package e2e
