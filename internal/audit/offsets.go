package audit

import (
	"context"
	"fmt"
)

// offsets are next offsets by topic and partition.
type offsets map[string]map[int32]int64

func (o offsets) set(topic string, partition int32, next int64) {
	if o[topic] == nil {
		o[topic] = map[int32]int64{}
	}
	o[topic][partition] = next
}

// missing counts the records of the topics that at has not reached.
func (o offsets) missing(at offsets, topics []string) int64 {
	var n int64
	for _, topic := range topics {
		for partition, end := range o[topic] {
			n += max(0, end-max(0, at[topic][partition]))
		}
	}
	return n
}

func (a *auditor) logEnds(ctx context.Context) (offsets, error) {
	ends := offsets{}
	for _, g := range a.groups() {
		for _, topic := range g.topics {
			if ends[topic] != nil {
				continue
			}
			end, err := a.broker.LogEnd(ctx, topic)
			if err != nil {
				return nil, fmt.Errorf("end of %s: %w", topic, err)
			}
			ends[topic] = end
		}
	}
	return ends, nil
}

// checkOffsets finds marks that run ahead of what they mark: a commit to Kafka
// above the progress in SQL acknowledges records that were never applied, and
// progress above the end of the log tells of records the broker has lost.
// What may only grow is read after what must stay below it.
func (a *auditor) checkOffsets(ctx context.Context, g group, f *findings) error {
	committed, err := a.broker.Committed(ctx, g.name, g.topics...)
	if err != nil {
		return fmt.Errorf("offsets of group %s: %w", g.name, err)
	}
	applied, err := progress(ctx, g)
	if err != nil {
		return err
	}
	ends, err := a.logEnds(ctx)
	if err != nil {
		return err
	}
	for _, topic := range g.topics {
		for partition, end := range ends[topic] {
			subject := fmt.Sprintf("group %s, %s-%d", g.name, topic, partition)
			done := applied[topic][partition]
			if marked := committed[topic][partition]; marked > done {
				f.violated(Events, subject, "offset %d is committed, but only %d is applied", marked, done)
			}
			if done > end {
				f.violated(Events, subject, "applied up to %d, but the log ends at %d: records are lost", done, end)
			}
		}
	}
	return nil
}

// progress is how far a group has applied its topics, by its own database.
func progress(ctx context.Context, g group) (offsets, error) {
	applied := offsets{}
	var grp, topic string
	var part int32
	var next int64
	err := each(ctx, g.db, "SELECT grp, topic, part, next_offset FROM consumer_progress", []any{&grp, &topic, &part, &next}, func() error {
		if grp == g.name {
			applied.set(topic, part, next)
		}
		return nil
	})
	return applied, err
}
