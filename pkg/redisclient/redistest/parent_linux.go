package redistest

import "syscall"

// endWithParent has the kernel end a child whose test was killed and so could
// not clean up.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
