package inbox

import (
	"souk.example/pkg/eventbus"
)

// Classes of errors in dead_letter.
const (
	classPoison         = "poison"
	classPanic          = "panic"
	classUnknownVersion = "unknown_version"
	classUndecodable    = "undecodable"
	classBehind         = "behind" // waits for an earlier event of its key
)

// fault is why an event cannot be applied.
type fault struct {
	class string
	err   error
}

// plan says where each event of a batch goes, given the keys that are parked.
type plan struct {
	apply   []int // entries for the handler, by index
	park    []letter
	keys    []string // to park now, in order of appearance
	results []result // per entry
}

// result is what becomes of an event; it is a metric's label.
type result string

const (
	handled   result = "handled"
	duplicate result = "duplicate" // its record is one that SQL's progress has passed
	repeated  result = "repeated"  // stood in the batch before, so it is left out
	ignored   result = "ignored"
	parked    result = "parked"
)

// plan sorts the batch's events. From an event with a fault on, its key's
// events wait.
func (i *Inbox) plan(b *batch, faults map[int]fault, isParked map[string]bool) plan {
	p := plan{results: make([]result, len(b.entries))}
	waiting := make(map[string]bool)
	seen := make(sightings, len(b.entries))
	for n, e := range b.entries {
		key := e.event.Subject
		f, faulty := faults[n]
		switch {
		case i.ignores(e.event.Type):
			p.results[n] = ignored
		case isParked[key] || waiting[key]:
			if !faulty {
				f = fault{class: classBehind}
			}
			p.results[n] = parked
			p.park = append(p.park, eventLetter(e, f))
		case faulty:
			waiting[key] = true
			p.keys = append(p.keys, key)
			p.results[n] = parked
			p.park = append(p.park, eventLetter(e, f))
		default:
			if p.results[n] = seen.judge(e); p.results[n] != repeated {
				p.apply = append(p.apply, n)
			}
		}
	}
	p.park = append(p.park, undecodable(b)...)
	return p
}

func (i *Inbox) ignores(eventType string) bool {
	return !i.known.understands(eventType) && !i.known.knowsOtherVersion(eventType)
}

// sightings are the events of a batch, by source and id.
type sightings map[[2]string]bool

// judge says what an event is that may be applied. A nudge is never a
// repetition: its sender wants an answer.
func (s sightings) judge(e entry) result {
	identity := [2]string{e.event.Source, e.event.ID}
	if s[identity] && !e.event.Nudge {
		return repeated
	}
	s[identity] = true
	if e.redelivered {
		return duplicate
	}
	return handled
}

// events returns entries' events, by index.
func (b *batch) events(entries []int) []eventbus.Event {
	events := make([]eventbus.Event, len(entries))
	for n, at := range entries {
		events[n] = *b.entries[at].event
	}
	return events
}

// keys returns the keys of the events that are not ignored, each once.
func (i *Inbox) keys(b *batch) []string {
	seen := make(map[string]bool, len(b.entries))
	var keys []string
	for _, e := range b.entries {
		if key := e.event.Subject; !seen[key] && !i.ignores(e.event.Type) {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}
