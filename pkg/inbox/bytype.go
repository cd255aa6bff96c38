package inbox

import (
	"context"
	"fmt"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// ByType makes a Batch of handlers for one type each. A batch is regrouped so
// that each handler gets as many events at once as possible while the events
// of a key keep their order: a type's handler may be called more than once.
// An event without a handler is Permanent.
func ByType(handlers map[string]Batch) Batch {
	return func(ctx context.Context, tx *database.Tx, events []eventbus.Event) error {
		for _, g := range groupByType(events) {
			handle, ok := handlers[g.eventType]
			if !ok {
				return Permanent(fmt.Errorf("no handler for events of type %s", g.eventType))
			}
			if err := handle(ctx, tx, g.events); err != nil {
				return err
			}
		}
		return nil
	}
}

type typeGroup struct {
	eventType string
	events    []eventbus.Event
}

// groupByType puts each event in its type's latest group, unless an event of
// its key already stands in a later one: then a new group begins.
func groupByType(events []eventbus.Event) []typeGroup {
	var groups []typeGroup
	latest := make(map[string]int) // type → its latest group
	last := make(map[string]int)   // key → the last group that has it
	for _, e := range events {
		at, ok := latest[e.Type]
		if after, seen := last[e.Subject]; !ok || seen && after > at {
			at = len(groups)
			groups = append(groups, typeGroup{eventType: e.Type})
			latest[e.Type] = at
		}
		groups[at].events = append(groups[at].events, e)
		last[e.Subject] = at
	}
	return groups
}
