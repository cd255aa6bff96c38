// Package compare puts souk's packages beside the libraries a user would pick
// instead: how they behave when something goes wrong, and how fast they are,
// in one run on one Redis.
package compare

import (
	"context"

	"souk.example/bench/peers/engine"
)

// Area is what one package of souk is compared in.
type Area struct {
	Name       string // as in the flag --only
	Package    string // of souk
	Behaviours []Behaviour
	Figures    []Figure
}

// Behaviour is a fault that is arranged, for souk and for its peers alike.
type Behaviour struct {
	What  string // the fault, and what is looked for
	Peers []Probe
	Ours  Probe
}

// Probe arranges a behaviour's fault for one library.
type Probe struct {
	Name string
	// Known says that the library is known to have the hole, so a run that
	// does not see it must say so.
	Known bool
	// Run arranges the fault on r, which is empty and which nobody else uses
	// meanwhile, and says what came of it. An error means that the fault could
	// not be arranged.
	Run func(ctx context.Context, r *engine.Redis) (Outcome, error)
}

// Outcome is what a probe saw.
type Outcome struct {
	Hole bool   // the fault does harm
	Seen string // in a few words, with the figures
}

// Figure is one thing that is measured, smaller being better.
type Figure struct {
	What  string
	Units []string // of a sample's values; the first is compared
	Cases []Case
}

// Case is one library in a figure.
type Case struct {
	Name string
	Ours bool
	// Open prepares the case on r, which the figure's other cases share, and
	// returns what takes one sample and what ends the case.
	Open func(ctx context.Context, r *engine.Redis) (Sample, func(), error)
}

// Sample measures once, as briefly as it may, and returns a value per unit.
type Sample func(ctx context.Context) ([]float64, error)
