package inbox

import (
	"strconv"
	"strings"
)

// vocabulary is the set of event types that a handler understands.
type vocabulary struct {
	types map[string]bool
	names map[string]bool // the types without their versions
}

func newVocabulary(types []string) vocabulary {
	v := vocabulary{types: make(map[string]bool), names: make(map[string]bool)}
	for _, t := range types {
		v.types[t] = true
		v.names[withoutVersion(t)] = true
	}
	return v
}

func (v vocabulary) understands(eventType string) bool {
	return len(v.types) == 0 || v.types[eventType]
}

// knowsOtherVersion reports whether the type is one that the handler
// understands in another version only.
func (v vocabulary) knowsOtherVersion(eventType string) bool {
	return !v.understands(eventType) && v.names[withoutVersion(eventType)]
}

// withoutVersion cuts ".v<number>" off a type.
func withoutVersion(eventType string) string {
	name, version, ok := cutLast(eventType, ".v")
	if _, err := strconv.ParseUint(version, 10, 32); !ok || err != nil {
		return eventType
	}
	return name
}

func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}
