package daemon

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Child is a background process this process has started.
type Child struct {
	PID    int
	exited chan error
}

// Spawn starts this very binary with args in a session of its own, so that it
// outlives the terminal; its output is appended to the file logPath.
func Spawn(logPath string, env []string, args ...string) (*Child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	cmd := exec.Command(self, args...)
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", self, err)
	}
	c := &Child{PID: cmd.Process.Pid, exited: make(chan error, 1)}
	go func() { c.exited <- cmd.Wait() }()
	return c, nil
}

// Exited delivers once, when the child has ended.
func (c *Child) Exited() <-chan error { return c.exited }
