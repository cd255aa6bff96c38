// Package blocklist shuts out users and client addresses that an administrator
// has named. The list is a replicated state: a change at one edge is in force
// at every other within moments, a request is checked against a copy in memory,
// and the last list known stays in force while Redis is away. An edge that has
// not heard of any list yet lets everybody in.
package blocklist

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/pubsub"
)

// State is the list as every edge holds it.
type State = pubsub.State[List]

// NewState makes the State; run it beside its bus.
func NewState(bus *pubsub.Bus) (*State, error) {
	return pubsub.NewState(bus, "blocklist", pubsub.StateConfig[List]{})
}

// List is who is shut out. A List that was handed out is never changed.
type List map[Subject]Entry

// Entry is why and since when.
type Entry struct {
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// maxEntries bounds the list, which is sent whole to every edge.
const maxEntries = 2000

var (
	errFull        = apperr.New(apperr.Unprocessable, contracts.CodeBlocklistFull, "the block list is full")
	errNotBlocked  = apperr.New(apperr.NotFound, contracts.CodeNotBlocked, "this subject is not blocked")
	errUnavailable = apperr.New(apperr.Unavailable, "blocklist_unavailable", "the block list cannot be changed now").WithRetryAfter(time.Second)
)

// Blocklist decides who is shut out. Safe for concurrent use.
type Blocklist struct{ state *State }

// New makes a Blocklist of what state holds.
func New(state *State) *Blocklist { return &Blocklist{state: state} }

// Blocked reports whether s is shut out. It does not block.
func (b *Blocklist) Blocked(s Subject) bool {
	list, _ := b.state.Get()
	_, blocked := list[s]
	return blocked
}

// Item is an entry with its subject.
type Item struct {
	Subject Subject `json:"subject"`
	Entry
}

// Items lists who is shut out, by subject.
func (b *Blocklist) Items() []Item {
	list, _ := b.state.Get()
	items := make([]Item, 0, len(list))
	for _, s := range slices.SortedFunc(maps.Keys(list), func(a, b Subject) int { return strings.Compare(string(a), string(b)) }) {
		items = append(items, Item{s, list[s]})
	}
	return items
}

// Block shuts s out, or gives another reason. Since stays that of the first time.
func (b *Blocklist) Block(ctx context.Context, s Subject, reason string) (Item, error) {
	item := Item{Subject: s, Entry: Entry{Reason: reason, Since: time.Now().UTC().Truncate(time.Millisecond)}}
	err := b.change(ctx, func(list List) (List, error) {
		if before, known := list[s]; known {
			item.Since = before.Since
		} else if len(list) >= maxEntries {
			return nil, errFull
		}
		list[s] = item.Entry
		return list, nil
	})
	return item, err
}

// Unblock lets s in again.
func (b *Blocklist) Unblock(ctx context.Context, s Subject) error {
	return b.change(ctx, func(list List) (List, error) {
		if _, known := list[s]; !known {
			return nil, errNotBlocked
		}
		delete(list, s)
		return list, nil
	})
}

// change works on a copy that is nobody else's.
func (b *Blocklist) change(ctx context.Context, how func(List) (List, error)) error {
	err := b.state.Update(ctx, func(list List) (List, error) {
		if list == nil {
			list = List{}
		}
		return how(list)
	})
	if err == nil || ctx.Err() != nil || isRefusal(err) {
		return err
	}
	return errUnavailable.With(err)
}

func isRefusal(err error) bool { return apperr.From(err).Kind != apperr.Internal }
