package bustest

import (
	"context"
	"slices"
	"sync"
	"time"

	"souk.example/pkg/eventbus"
)

// memoryGroup is the state of one consumer group, guarded by the bus's mu.
type memoryGroup struct {
	members   []*memoryMember
	held      map[topicPartition]bool // a claim on it has not yet returned
	committed map[topicPartition]int64
}

// memoryMember is one call of Consume.
type memoryMember struct {
	bus    *MemoryBus
	group  *memoryGroup
	topics []string
	claim  func(ctx context.Context, c eventbus.Claim) error
	claims sync.WaitGroup
	cancel map[topicPartition]context.CancelFunc // of the claims it runs; guarded by the bus's mu
}

// group returns a group's state. The caller holds b.mu.
func (b *MemoryBus) group(name string) *memoryGroup {
	g := b.groups[name]
	if g == nil {
		g = &memoryGroup{
			held:      make(map[topicPartition]bool),
			committed: make(map[topicPartition]int64),
		}
		b.groups[name] = g
	}
	return g
}

// Consume implements eventbus.Consumer. All members of a group are expected to
// name the same topics; partitions move one by one, and only once the member
// that had one has let go of it.
func (b *MemoryBus) Consume(ctx context.Context, group string, topics []string, claim func(ctx context.Context, c eventbus.Claim) error) error {
	m := &memoryMember{
		bus:    b,
		topics: topics,
		claim:  claim,
		cancel: make(map[topicPartition]context.CancelFunc),
	}
	b.mu.Lock()
	m.group = b.group(group)
	m.group.members = append(m.group.members, m)
	b.notify()
	b.mu.Unlock()
	for ctx.Err() == nil {
		changed := m.reconcile(ctx)
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	m.claims.Wait()
	m.leave()
	return nil
}

func (m *memoryMember) leave() {
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	g := m.group
	g.members = slices.DeleteFunc(g.members, func(other *memoryMember) bool { return other == m })
	m.bus.notify()
}

// reconcile stops and starts claims so that they follow the assignment, and
// returns the channel that tells of the next change.
func (m *memoryMember) reconcile(ctx context.Context) <-chan struct{} {
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	mine := m.assigned()
	for tp, cancel := range m.cancel {
		if !slices.Contains(mine, tp) {
			cancel()
		}
	}
	for _, tp := range mine {
		if !m.group.held[tp] {
			m.start(ctx, tp)
		}
	}
	return m.bus.changed
}

// assigned returns the partitions that are this member's to have.
func (m *memoryMember) assigned() []topicPartition {
	var mine []topicPartition
	self, turn := slices.Index(m.group.members, m), 0
	for _, topic := range m.topics {
		for p := range m.bus.partitions {
			if turn%len(m.group.members) == self {
				mine = append(mine, topicPartition{topic, p})
			}
			turn++
		}
	}
	return mine
}

func (m *memoryMember) start(ctx context.Context, tp topicPartition) {
	ctx, cancel := context.WithCancel(ctx)
	m.group.held[tp] = true
	m.cancel[tp] = cancel
	c := m.newClaim(tp)
	m.claims.Go(func() {
		defer cancel()
		c.run(ctx, m.claim)
		if ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond) // a claim that always fails must not spin
		}
		m.bus.mu.Lock()
		defer m.bus.mu.Unlock()
		delete(m.cancel, tp)
		m.group.held[tp] = false
		m.bus.notify()
	})
}
