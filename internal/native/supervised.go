package native

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	pingTimeout = 2 * time.Second
	stopGrace   = 30 * time.Second
	// portGrace is how long a process that was killed may take to let go of its
	// ports: its threads end one by one, and each holds all of them.
	portGrace = 3 * time.Second
)

// ErrNotInstalled says that an engine's program is not on this machine.
var ErrNotInstalled = errors.New("not installed")

// ErrNotRunning says that there is no process to act on.
var ErrNotRunning = errors.New("not running")

// errEnded says that an engine's process ended before it answered.
var errEnded = errors.New("its process ended")

// PortTakenError names a port that an engine needs and cannot have.
type PortTakenError struct {
	Engine Name
	Port   int
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("port %d (%s) is taken by another process; stop it, or choose other ports with SOUK_PORT_BASE", e.Port, e.Engine)
}

// supervised is an engine with the process that it may run as.
type supervised struct {
	engine
	pidFile string
	log     string
}

func supervise(home string, e engine) *supervised {
	return &supervised{
		engine:  e,
		pidFile: filepath.Join(engineDir(home, e.name()), "pid"),
		log:     filepath.Join(home, "log", string(e.name())+".log"),
	}
}

func (s *supervised) address() string { return loopback(s.port()) }

func (s *supervised) process() process { return findProcess(s.pidFile) }

// ensure starts the engine unless it runs, and waits until it answers. One that
// was found running and ends meanwhile, having been killed, is started again.
func (s *supervised) ensure(ctx context.Context, progress func(string)) error {
	found := !s.process().none()
	err := s.ensureOnce(ctx, progress)
	if found && errors.Is(err, errEnded) {
		err = s.ensureOnce(ctx, progress)
	}
	return err
}

func (s *supervised) ensureOnce(ctx context.Context, progress func(string)) error {
	began, logged := time.Now(), size(s.log)
	p := s.process()
	if !p.none() && p.Port != s.ports()[0] {
		return fmt.Errorf("%s runs already (process %d) on port %d, not %d; stop it first", s.name(), p.PID, p.Port, s.ports()[0])
	}
	if p.none() {
		progress(fmt.Sprintf("starting %s on %s", s.name(), s.address()))
		var err error
		if p, err = s.start(ctx); err != nil {
			return fmt.Errorf("start %s on %s: %w", s.name(), s.address(), err)
		}
	}
	if err := s.awaitReady(ctx, p); err != nil {
		return fmt.Errorf("%s on %s does not answer: %w; the end of %s:\n%s", s.name(), s.address(), err, s.log, tail(s.log, logged))
	}
	progress(fmt.Sprintf("%s answers on %s after %.1f s (process %d)", s.name(), s.address(), time.Since(began).Seconds(), p.PID))
	return nil
}

func (s *supervised) start(ctx context.Context) (process, error) {
	if err := s.checkPorts(ctx); err != nil {
		return process{}, err
	}
	if err := s.prepare(ctx); err != nil {
		return process{}, err
	}
	p, err := spawn(s.command(), s.log)
	if err != nil {
		return process{}, err
	}
	p.Port = s.ports()[0]
	if err := p.save(s.pidFile); err != nil {
		return process{}, errors.Join(err, p.kill(ctx)) // nobody would find it again
	}
	return p, nil
}

// checkPorts returns when every port of the engine is free, or says which one
// has not become so.
func (s *supervised) checkPorts(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, portGrace)
	defer cancel()
	for _, port := range s.ports() {
		for !free(ctx, port) {
			if pause(ctx) != nil {
				return &PortTakenError{Engine: s.name(), Port: port}
			}
		}
	}
	return nil
}

func free(ctx context.Context, port int) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback(port))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// awaitReady returns when the engine answers, or with the last reason why not
// when its process or ctx ends.
func (s *supervised) awaitReady(ctx context.Context, p process) error {
	for {
		err := s.answers(ctx)
		if err == nil {
			return nil
		}
		if !p.alive() {
			return errEnded
		}
		if ended := pause(ctx); ended != nil {
			return errors.Join(ended, err)
		}
	}
}

// answers pings the engine once.
func (s *supervised) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return s.ping(ctx)
}

// stop ends the engine's process, if there is one.
func (s *supervised) stop(ctx context.Context) error {
	if err := s.process().stop(ctx, stopGrace); err != nil {
		return fmt.Errorf("stop %s: %w", s.name(), err)
	}
	if err := os.Remove(s.pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// tailBytes is how much of a log an error shows.
const tailBytes = 4 << 10

// tail is the end of what was logged after the first from bytes.
func tail(path string, from int64) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	from = min(from, int64(len(raw))) // the file may have been emptied
	raw = raw[max(from, int64(len(raw)-tailBytes)):]
	return strings.TrimSpace(string(raw))
}
