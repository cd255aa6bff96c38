//go:build !linux

package redistest

import "syscall"

// endWithParent is for Linux alone; elsewhere a killed test leaves its servers.
func endWithParent() *syscall.SysProcAttr { return nil }
