package redistest

import (
	"io"
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
		if !answers(addr, ended) {
			stop()
			return nil, false
		}
		return stop, true
	}
}

// answers waits until the server answers at addr; false when it has ended, and
// so whoever answers there is another. A node of a cluster listens before it
// finds that the port of its bus is taken, and ends.
func answers(addr string, ended <-chan struct{}) bool {
	for range 2000 { // ten seconds
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if ping(addr) {
			return !closed(ended)
		}
	}
	return false
}

func ping(addr string) (answered bool) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	const pong = "+PONG\r\n"
	answer := make([]byte, len(pong))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	_, err = io.ReadFull(conn, answer)
	return err == nil && string(answer) == pong
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
