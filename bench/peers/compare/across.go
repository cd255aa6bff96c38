package compare

import (
	"context"

	"souk.example/bench/peers/engine"
)

// Library is one of several that the same fault can be arranged for.
type Library interface {
	// Label is its name in the tables.
	Label() string
}

// Sides are the libraries of a behaviour: ours, the peers known to have the
// hole, and the other peers.
type Sides[L Library] struct {
	Ours          L
	Known, Others []L
}

// Across makes the Behaviour of a fault that is arranged in the same way for
// every library.
func Across[L Library](what string, arrange func(ctx context.Context, r *engine.Redis, lib L) (Outcome, error), sides Sides[L]) Behaviour {
	probe := func(lib L) Probe {
		return Probe{Name: lib.Label(), Run: func(ctx context.Context, r *engine.Redis) (Outcome, error) {
			return arrange(ctx, r, lib)
		}}
	}
	b := Behaviour{What: what, Ours: probe(sides.Ours)}
	for _, lib := range sides.Known {
		p := probe(lib)
		p.Known = true
		b.Peers = append(b.Peers, p)
	}
	for _, lib := range sides.Others {
		b.Peers = append(b.Peers, probe(lib))
	}
	return b
}
