package bustest

import (
	"context"
	"fmt"
	"sync"

	"souk.example/pkg/eventbus"
)

type topicPartition struct {
	topic     string
	partition int32
}

// memoryLog is one partition: records from offset first on.
type memoryLog struct {
	first   int64
	records []eventbus.Record
}

func (l *memoryLog) end() int64 { return l.first + int64(len(l.records)) }

// MemoryBus is a broker in memory: every topic exists, with the same number of
// partitions. It implements [Bus] and is safe for concurrent use.
type MemoryBus struct {
	partitions int32

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	logs    map[topicPartition]*memoryLog
	groups  map[string]*memoryGroup
	refuse  func(eventbus.Record) error
}

// Memory returns an empty bus whose topics have that many partitions.
func Memory(partitions int32) *MemoryBus {
	return &MemoryBus{
		partitions: partitions,
		changed:    make(chan struct{}),
		logs:       make(map[topicPartition]*memoryLog),
		groups:     make(map[string]*memoryGroup),
		refuse:     func(eventbus.Record) error { return nil },
	}
}

// Refuse makes Publish fail for the records for which why returns an error.
func (b *MemoryBus) Refuse(why func(eventbus.Record) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = why
}

// Publish implements eventbus.Publisher.
func (b *MemoryBus) Publish(ctx context.Context, records []eventbus.Record) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	errs := make([]error, len(records))
	failed := false
	for i, r := range records {
		if errs[i] = b.append(ctx, r); errs[i] != nil {
			failed = true
		}
	}
	b.notify()
	if !failed {
		return nil
	}
	return errs
}

func (b *MemoryBus) append(ctx context.Context, r eventbus.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.Partition < 0 || r.Partition >= b.partitions {
		return fmt.Errorf("bustest: no partition %d", r.Partition)
	}
	if err := b.refuse(r); err != nil {
		return err
	}
	log := b.log(topicPartition{r.Topic, r.Partition})
	r.Offset = log.end()
	r.Schema = eventbus.SchemaVersion
	log.records = append(log.records, r)
	return nil
}

// log returns a partition's log. The caller holds b.mu.
func (b *MemoryBus) log(tp topicPartition) *memoryLog {
	log := b.logs[tp]
	if log == nil {
		log = &memoryLog{}
		b.logs[tp] = log
	}
	return log
}

// notify wakes everyone who waits for a change. The caller holds b.mu.
func (b *MemoryBus) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// DropBefore removes a partition's records below offset, as retention does.
func (b *MemoryBus) DropBefore(topic string, partition int32, offset int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	log := b.log(topicPartition{topic, partition})
	for log.first < offset && len(log.records) > 0 {
		log.records = log.records[1:]
		log.first++
	}
}

// Wipe empties a topic and starts its offsets at 0 again, as when a broker
// lost its disk.
func (b *MemoryBus) Wipe(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.partitions {
		delete(b.logs, topicPartition{topic, p})
	}
}

// LogEnd implements Bus.
func (b *MemoryBus) LogEnd(_ context.Context, topic string) (map[int32]int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ends := make(map[int32]int64, b.partitions)
	for p := range b.partitions {
		ends[p] = b.log(topicPartition{topic, p}).end()
	}
	return ends, nil
}

// Committed implements Bus.
func (b *MemoryBus) Committed(_ context.Context, group string, topics ...string) (map[string]map[int32]int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	committed := make(map[string]map[int32]int64, len(topics))
	for _, topic := range topics {
		committed[topic] = make(map[int32]int64)
		for p := range b.partitions {
			if next, ok := b.group(group).committed[topicPartition{topic, p}]; ok {
				committed[topic][p] = next
			}
		}
	}
	return committed, nil
}
