package redistest

import (
	"net"
	"os/exec"
	"time"
)

// process runs a redis-server with args and nothing on disk.
func process(program string, args ...string) func(addr string) (stop func(), ok bool) {
	return func(addr string) (func(), bool) {
		host, port, _ := net.SplitHostPort(addr)
		cmd := exec.Command(program, append([]string{
			"--bind", host, "--port", port, "--save", "", "--appendonly", "no",
		}, args...)...)
		cmd.SysProcAttr = endWithParent()
		if err := cmd.Start(); err != nil {
			return nil, false
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		stop := func() { _ = cmd.Process.Kill(); <-ended }
		if !listens(addr, ended) {
			stop()
			return nil, false
		}
		return stop, true
	}
}

// listens waits until the server listens at addr; false when it has ended, and
// so whoever listens there is another.
func listens(addr string, ended <-chan struct{}) bool {
	for range 2000 { // ten seconds
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if conn, err := net.Dial("tcp", addr); err == nil {
			_ = conn.Close()
			return !closed(ended)
		}
	}
	return false
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
