package outbox

import (
	"hash/fnv"
	"slices"
)

// share is how many of a topic's n partitions a member gets. Everyone who sees
// the same members comes to the same result: all get the same number, and what
// cannot be divided goes to the members that follow a point which differs from
// topic to topic.
func share(topic string, members []string, owner string, n int) int {
	slices.Sort(members)
	rank := slices.Index(members, owner)
	if rank < 0 {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(topic))
	turned := (rank + int(h.Sum32()%uint32(len(members)))) % len(members)
	quota := n / len(members)
	if turned < n%len(members) {
		quota++
	}
	return quota
}

// lacking sums up how far held stays below quota.
func lacking(held map[address]int64, quota map[string]int) int {
	missing := 0
	for topic, n := range quota {
		missing += max(0, n-count(held, topic))
	}
	return missing
}

func count[V any](held map[address]V, topic string) int {
	n := 0
	for a := range held {
		if a.topic == topic {
			n++
		}
	}
	return n
}
