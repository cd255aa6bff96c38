// Package blocklist shuts out users and client addresses that an administrator
// has named. The user service keeps the list in SQL and publishes it as a
// replicated state: a request is checked against a copy in memory, a change is
// in force at every edge within moments, and the last list known stays in force
// while Redis is away. An edge that has not heard of any list yet lets everybody
// in, because turning everybody away would be the worse failure; who is shut out
// gets no new token all the same.
package blocklist

import (
	"souk.example/contracts"
	"souk.example/pkg/pubsub"
)

// State is the list as every edge holds it.
type State = pubsub.State[contracts.BlockList]

// NewState makes the State; run it beside its bus.
func NewState(bus *pubsub.Bus) (*State, error) {
	return pubsub.NewState(bus, contracts.BlockListState, pubsub.StateConfig[contracts.BlockList]{})
}

// Blocklist decides who is shut out. Safe for concurrent use.
type Blocklist struct{ state *State }

// New makes a Blocklist of what state holds.
func New(state *State) *Blocklist { return &Blocklist{state: state} }

// Blocked reports whether s is shut out. It does not block.
func (b *Blocklist) Blocked(s contracts.Subject) bool {
	list, _ := b.state.Get()
	_, blocked := list.Blocks[s]
	return blocked
}
