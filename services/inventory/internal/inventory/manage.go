package inventory

import "time"

// Manager carries out what the shop's staff asks for. Safe for concurrent use.
type Manager struct {
	catalogue Catalogue
	pages     Pages
	now       func() time.Time
}

// NewManager makes a Manager; now is the clock of what it changes.
func NewManager(catalogue Catalogue, pages Pages, now func() time.Time) *Manager {
	return &Manager{catalogue: catalogue, pages: pages, now: now}
}
