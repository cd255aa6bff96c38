package inbox

import (
	"cmp"
	"slices"

	"souk.example/pkg/eventbus"
)

type topicPartition struct {
	topic     string
	partition int32
}

// entry is one event at its place in the log.
type entry struct {
	event       *eventbus.Event
	at          topicPartition
	offset      int64
	pos         int // within the record
	redelivered bool
}

// batch is what one transaction applies: whole records of any partitions.
type batch struct {
	group   string // for which replayed records count
	items   []item
	entries []entry // of the records that could be decoded
	skipped int     // events of replayed records that do not count
	next    map[topicPartition]int64
}

func newBatch(group string) *batch {
	return &batch{group: group, next: make(map[topicPartition]int64)}
}

// add takes a record in, unless its claim has ended.
func (b *batch) add(it item) {
	r := it.record
	if !it.from.take(r.Offset) {
		return
	}
	at := topicPartition{r.Topic, r.Partition}
	b.items = append(b.items, it)
	b.next[at] = max(b.next[at], r.Offset+1)
	if b.skips(r) {
		b.skipped += len(it.events)
		return
	}
	for pos := range it.events {
		b.entries = append(b.entries, entry{
			event:       &it.events[pos],
			at:          at,
			offset:      r.Offset,
			pos:         pos,
			redelivered: r.Offset < it.from.applied,
		})
	}
}

// skips reports whether a record is sent again for another group.
func (b *batch) skips(r eventbus.Record) bool { return r.Replay != "" && r.Replay != b.group }

// size is what BatchMax bounds: events, or records where they hold none.
func (b *batch) size() int { return max(len(b.entries), len(b.items)) }

// settle tells the sources that the batch is through.
func (b *batch) settle() {
	for s := range b.sources() {
		s.settle()
	}
}

// sources returns the claims of the batch and the offset each has come to.
func (b *batch) sources() map[*source]int64 {
	next := make(map[*source]int64)
	for _, it := range b.items {
		next[it.from] = max(next[it.from], it.record.Offset+1)
	}
	return next
}

// partitions returns the batch's partitions in the order in which progress
// rows are locked.
func (b *batch) partitions() []topicPartition {
	var all []topicPartition
	for at := range b.next {
		all = append(all, at)
	}
	slices.SortFunc(all, func(x, y topicPartition) int {
		return cmp.Or(cmp.Compare(x.topic, y.topic), cmp.Compare(x.partition, y.partition))
	})
	return all
}
