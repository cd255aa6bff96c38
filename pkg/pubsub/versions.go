package pubsub

// versions remembers the newest version of each key, of at least the limit/2
// keys that came last: once recent is half the limit, it becomes older, and
// what was older is forgotten. Not safe for concurrent use.
type versions struct {
	limit         int
	recent, older map[string]int64
}

// advance notes version of key and reports whether it is newer than what it
// remembers. Version zero, which means none, is always newer.
func (v *versions) advance(key string, version int64) bool {
	if version == 0 {
		return true
	}
	seen, found := v.recent[key]
	if !found {
		seen = v.older[key]
	}
	if version <= seen {
		return false
	}
	if v.recent == nil || len(v.recent) >= max(v.limit/2, 1) && !found {
		v.older, v.recent = v.recent, make(map[string]int64)
	}
	v.recent[key] = version
	return true
}

func (v *versions) forget() { v.recent, v.older = nil, nil }
