package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Setup is how souk was last started in a home.
type Setup struct {
	Infra    string `json:"infra"` // the kind of engines
	PortBase int    `json:"port_base"`
	Replicas int    `json:"replicas"`
}

// String is like "native engines, 2 replicas from port 8080".
func (s Setup) String() string {
	return fmt.Sprintf("%s engines, %d replicas from port %d", s.Infra, s.Replicas, s.PortBase)
}

// Setup returns what Remember kept, and the zero Setup when that is nothing.
func (h Home) Setup() (Setup, error) {
	var s Setup
	raw, err := os.ReadFile(h.setupFile())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, fmt.Errorf("read %s, which says how souk was started (stop what runs, and remove it): %w", h.setupFile(), err)
	}
	return s, nil
}

// Remember keeps how souk is started. The home must have been created.
func (h Home) Remember(s Setup) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	partial := h.setupFile() + ".partial"
	if err := os.WriteFile(partial, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(partial, h.setupFile())
}

func (h Home) setupFile() string { return filepath.Join(h.dir, "run", "setup.json") }
