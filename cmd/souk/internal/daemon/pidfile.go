// Package daemon starts, finds and stops souk's background processes.
//
// Each holds an exclusive flock on its pid file for as long as it lives. The kernel drops the lock with the process, however it dies, so a pid
// file without a lock is stale even when another process has been given its
// pid since. Unix only.
package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrNotRunning says that no process holds the pid file.
var ErrNotRunning = errors.New("not running")

// ErrRunning says that another process holds the pid file.
var ErrRunning = errors.New("already running")

// StaleError is ErrNotRunning with the traces of a process that did not clean
// up: it was killed, or the machine went down.
type StaleError struct {
	Path string
	Was  Process
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("stale pid file %s: process %d, started %s, is gone", e.Path, e.Was.PID, e.Was.StartedAt.Format(time.DateTime))
}

// Is makes a stale file one way of not running.
func (e *StaleError) Is(target error) bool { return target == ErrNotRunning }

// Process is what a background process says about itself.
type Process struct {
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
}

// PidFile is held by the background process itself.
type PidFile struct{ file *os.File }

// Hold writes the pid file and keeps it locked until Release or the end of the
// process; ErrRunning when another process holds it. (It waits a moment first:
// a concurrent Find holds the lock for an instant.)
func Hold(path string, self Process) (*PidFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	held := &PidFile{file: f}
	if err := held.write(self); err != nil {
		_ = f.Close()
		return nil, err
	}
	return held, nil
}

func (p *PidFile) write(self Process) error {
	if err := patiently(func() error { return lock(p.file, syscall.LOCK_EX) }); err != nil {
		return err
	}
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	if err := json.NewEncoder(p.file).Encode(self); err != nil {
		return fmt.Errorf("write %s: %w", p.file.Name(), err)
	}
	return nil
}

// Release empties the pid file and gives up the lock. (Removing the file would
// let a process that has just opened it hold a lock that nobody else can see.)
func (p *PidFile) Release() error {
	return errors.Join(p.file.Truncate(0), p.file.Close())
}

// Find returns the process that holds the pid file, ErrNotRunning when there
// is none, or a *StaleError when one died without removing the file.
func Find(path string) (Process, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Process{}, ErrNotRunning
	}
	if err != nil {
		return Process{}, err
	}
	defer func() { _ = f.Close() }()
	found, err := read(f)
	if err != nil {
		return Process{}, err
	}
	switch err := lock(f, syscall.LOCK_SH); {
	case errors.Is(err, ErrRunning):
		return found, nil
	case err != nil:
		return Process{}, err
	case found.PID == 0:
		return Process{}, ErrNotRunning
	default:
		return Process{}, &StaleError{Path: path, Was: found}
	}
}

// patiently repeats try for about a second while it says ErrRunning.
func patiently(try func() error) error {
	err := try()
	for range 20 {
		if !errors.Is(err, ErrRunning) {
			break
		}
		time.Sleep(pollEvery)
		err = try()
	}
	return err
}

// read returns the zero Process for an empty file, which is what Release
// leaves, and for one whose writer was killed in mid-write.
func read(f *os.File) (Process, error) {
	raw, err := io.ReadAll(f)
	if err != nil {
		return Process{}, err
	}
	var p Process
	_ = json.Unmarshal(raw, &p)
	return p, nil
}

// lock takes the lock at once or returns ErrRunning. The lock goes when f is
// closed.
func lock(f *os.File, how int) error {
	err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrRunning
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return nil
}
