// Package home is the directory that holds everything souk keeps on this
// machine: data, logs, keys and the pid file.
package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Default is the home when SOUK_HOME is not set, relative to the working
// directory.
const Default = ".souk"

// marker stands in every home, so that Wipe never empties a directory that
// only happens to be named by SOUK_HOME.
const marker = "souk-home"

// ErrNotAHome says that a directory was not made by souk.
var ErrNotAHome = errors.New("not a souk home")

// Home is a souk home; it need not exist yet.
type Home struct{ dir string }

// At names the home at dir, which becomes absolute.
func At(dir string) (Home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Home{}, err
	}
	return Home{dir: abs}, nil
}

// Dir is the home's absolute path.
func (h Home) Dir() string { return h.dir }

// Data holds the engines' files.
func (h Home) Data() string { return filepath.Join(h.dir, "data") }

// Keys holds the development keys.
func (h Home) Keys() string { return filepath.Join(h.dir, "keys") }

// PidFile belongs to one background process: a replica of a service, or the
// one that hosts them all ("souk").
func (h Home) PidFile(name string) string { return filepath.Join(h.dir, "run", name+".pid") }

// StartLock is held by whoever is starting souk.
func (h Home) StartLock() string { return filepath.Join(h.dir, "run", "start.lock") }

// Log is the log of one service, replica or engine, or of the process that
// hosts them all ("souk").
func (h Home) Log(name string) string { return filepath.Join(h.dir, "log", name+".log") }

// HasNative tells whether native engines have ever been started here.
func (h Home) HasNative() bool {
	_, err := os.Stat(filepath.Join(h.dir, "native"))
	return err == nil
}

// Create makes the home. An existing directory that holds anything but a souk
// home is refused with ErrNotAHome.
func (h Home) Create() error {
	if err := h.claim(); err != nil {
		return err
	}
	for _, sub := range []string{"data", "keys", "log", "run"} {
		if err := os.MkdirAll(filepath.Join(h.dir, sub), 0o700); err != nil {
			return err
		}
	}
	return nil
}

func (h Home) claim() error {
	if h.Exists() {
		return nil
	}
	entries, err := os.ReadDir(h.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(entries) > 0 && !h.Exists() { // another process may have claimed it just now
		return fmt.Errorf("%s holds other files: %w", h.dir, ErrNotAHome)
	}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(h.dir, marker), []byte("souk keeps its data here; `souk down --wipe` removes it\n"), 0o600)
}

// Exists tells whether souk made this directory.
func (h Home) Exists() bool {
	info, err := os.Stat(filepath.Join(h.dir, marker))
	return err == nil && info.Mode().IsRegular()
}

// Wipe removes what souk put into the home, and the directory when nothing
// else is in it. A directory that is not a home is refused with ErrNotAHome;
// one that does not exist is already wiped.
func (h Home) Wipe() error {
	if _, err := os.Stat(h.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if !h.Exists() {
		return fmt.Errorf("%s: %w", h.dir, ErrNotAHome)
	}
	for _, sub := range append(h.parts(), marker) {
		if err := os.RemoveAll(filepath.Join(h.dir, sub)); err != nil {
			return err
		}
	}
	return h.removeIfEmpty()
}

func (h Home) removeIfEmpty() error {
	entries, err := os.ReadDir(h.dir)
	if err != nil || len(entries) > 0 {
		return err
	}
	return os.Remove(h.dir)
}

// parts are all that souk puts into a home, the engines of package native too.
func (h Home) parts() []string { return []string{"data", "keys", "log", "run", "native"} }
