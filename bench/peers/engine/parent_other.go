//go:build !linux

package engine

import "syscall"

// endWithParent is for Linux alone; elsewhere a killed run leaves its server.
func endWithParent() *syscall.SysProcAttr { return nil }
