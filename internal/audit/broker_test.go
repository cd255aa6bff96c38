package audit_test

import (
	"context"
	"maps"

	"souk.example/contracts"
)

// groups are the platform's consumer groups, with the database of each.
var groups = map[string]struct {
	database string
	topics   []string
}{
	"inventory":    {"inventory", []string{contracts.TopicOrder}},
	"payment":      {"payment", []string{contracts.TopicOrder}},
	"points":       {"points", []string{contracts.TopicOrder}},
	"order":        {"order", []string{contracts.TopicInventory, contracts.TopicPayment, contracts.TopicPoints}},
	"order-prices": {"order", []string{contracts.TopicProduct}},
}

// fakeBroker remembers log ends and committed offsets.
type fakeBroker struct {
	end       map[string]map[int32]int64            // by topic
	committed map[string]map[string]map[int32]int64 // by group
	asked     func()                                // called when the end of a topic is asked for
}

func newFakeBroker() *fakeBroker {
	b := &fakeBroker{end: map[string]map[int32]int64{}, committed: map[string]map[string]map[int32]int64{}}
	for _, topic := range contracts.Topics() {
		b.end[topic] = map[int32]int64{0: 0, 1: 0, 2: 0, 3: 0}
	}
	for name := range groups {
		b.committed[name] = map[string]map[int32]int64{}
	}
	return b
}

// LogEnd implements audit.Broker.
func (b *fakeBroker) LogEnd(_ context.Context, topic string) (map[int32]int64, error) {
	if b.asked != nil {
		b.asked()
	}
	return maps.Clone(b.end[topic]), nil
}

// Committed implements audit.Broker.
func (b *fakeBroker) Committed(_ context.Context, group string, _ ...string) (map[string]map[int32]int64, error) {
	return b.committed[group], nil
}

// consumeAll brings every group to the end of its topics.
func (s *shop) consumeAll() {
	s.t.Helper()
	for name, g := range groups {
		db := s.databases()[g.database]
		if _, err := db.Exec(s.t.Context(), "DELETE FROM consumer_progress WHERE grp = ?", name); err != nil {
			s.t.Fatal(err)
		}
		for _, topic := range g.topics {
			s.broker.committed[name][topic] = maps.Clone(s.broker.end[topic])
			for part, next := range s.broker.end[topic] {
				s.insert(db, "consumer_progress", row{"grp": name, "topic": topic, "part": part, "next_offset": next})
			}
		}
	}
}
