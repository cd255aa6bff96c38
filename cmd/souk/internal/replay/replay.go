// Package replay sends what a service's event log holds again.
package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// Job is one replay.
type Job struct {
	Group     string // the only one that reads what is sent; "" for all that did the first time
	From, To  time.Time
	About     map[string]bool    // only packs with an event about one of these subjects; nil: all
	Rate      int                // packs per second
	Publisher eventbus.Publisher // nil: only count
}

// Sent is what was sent of a topic.
type Sent struct {
	Topic  string `json:"topic"`
	Packs  int    `json:"packs"`
	Events int    `json:"events"`
}

// page is how many packs are read at a time.
const page = 200

// Run sends what db's event log holds of a topic, in the order in which it was
// written, and returns how much it was, also beside an error: then the rest is
// missing. To run it again does no harm.
func (j Job) Run(ctx context.Context, db *database.DB, topic string) (Sent, error) {
	sent := Sent{Topic: topic}
	for after := int64(0); ; {
		packs, err := j.read(ctx, db, topic, after)
		if err != nil || len(packs) == 0 {
			return sent, err
		}
		after = packs[len(packs)-1].id
		if packs, err = j.wanted(packs); err != nil {
			return sent, fmt.Errorf("%s: %w", topic, err)
		}
		if err := j.publish(ctx, packs); err != nil {
			return sent, fmt.Errorf("%s: %w", topic, err)
		}
		for _, p := range packs {
			sent.Packs, sent.Events = sent.Packs+1, sent.Events+p.events
		}
	}
}

// wanted are the packs with an event that the job is about.
func (j Job) wanted(packs []pack) (wanted []pack, err error) {
	if j.About == nil {
		return packs, nil
	}
	for _, p := range packs {
		events, err := eventbus.Decode(p.record.Value)
		if err != nil {
			return nil, fmt.Errorf("pack %d: %w", p.id, err)
		}
		if slices.ContainsFunc(events, func(e eventbus.Event) bool { return j.About[e.Subject] }) {
			wanted = append(wanted, p)
		}
	}
	return wanted, nil
}

type pack struct {
	id     int64
	events int
	record eventbus.Record
}

func (j Job) read(ctx context.Context, db *database.DB, topic string, after int64) (packs []pack, err error) {
	const query = "SELECT id, part, n, payload FROM event_log WHERE topic = ? AND at >= ? AND at < ? AND id > ? ORDER BY id LIMIT ?"
	rows, err := db.Query(ctx, query, topic, database.Micros(j.From), database.Micros(j.To), after, page)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		p := pack{record: eventbus.Record{Topic: topic, Replay: j.Group}}
		if err := rows.Scan(&p.id, &p.record.Partition, &p.events, &p.record.Value); err != nil {
			return nil, err
		}
		packs = append(packs, p)
	}
	return packs, rows.Err()
}

// publish sends a page, and takes as long about it as the rate asks for.
func (j Job) publish(ctx context.Context, packs []pack) error {
	if j.Publisher == nil || len(packs) == 0 {
		return nil
	}
	due := time.NewTimer(time.Duration(len(packs)) * time.Second / time.Duration(j.Rate))
	defer due.Stop()
	records := make([]eventbus.Record, len(packs))
	for n, p := range packs {
		records[n] = p.record
	}
	if err := errors.Join(j.Publisher.Publish(ctx, records)...); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-due.C:
		return nil
	}
}
