package engine

import "syscall"

// endWithParent has the kernel end a child whose parent was killed and so
// could not clean up.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
