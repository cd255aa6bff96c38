package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/tracing"
)

// ErrTooLarge: one event alone exceeds MaxPackBytes. Trying again is in vain.
var ErrTooLarge = errors.New("outbox: event too large")

// Append stores events of one topic in tx, to be published once tx stands, and
// wakes the relay then. Events of one partition keep the order given and share
// packs of at most BatchMax events and MaxPackBytes. Source and Time are the
// outbox's own and the present; an event without a TraceParent takes ctx's: its
// subject's, where ctx is of a batch (see tracing.Origins).
//
// An error leaves tx fit only for rollback.
func (o *Outbox) Append(ctx context.Context, tx *database.Tx, topic string, events ...eventbus.Event) error {
	if len(events) == 0 {
		return nil
	}
	packs, err := o.pack(ctx, topic, events)
	if err != nil {
		return fmt.Errorf("append to %s: %w", topic, err)
	}
	if err := store(ctx, tx, packs); err != nil {
		return fmt.Errorf("append to %s: %w", topic, err)
	}
	tx.OnCommit(func() { o.wake(packs) })
	return nil
}

// wake counts all loops as working before the first one of them asks how many
// it is to wait for.
func (o *Outbox) wake(packs []pack) {
	for _, p := range packs {
		o.partitions[p.address].stir()
	}
	for _, p := range packs {
		o.partitions[p.address].wake()
	}
}

// pack is a row of event_log.
type pack struct {
	address
	id    int64
	n     int
	at    int64
	value []byte
}

func (o *Outbox) pack(ctx context.Context, topic string, events []eventbus.Event) ([]pack, error) {
	byPart, order, err := o.route(topic, events)
	if err != nil {
		return nil, err
	}
	at, origins := time.Now(), tracing.OriginsFrom(ctx)
	var packs []pack
	for _, part := range order {
		batches, err := o.split(byPart[part])
		if err != nil {
			return nil, err
		}
		for _, batch := range batches {
			p, err := o.encode(address{topic, part}, at, origins, batch)
			if err != nil {
				return nil, err
			}
			packs = append(packs, p)
		}
	}
	return packs, nil
}

// route groups events by partition and lists the partitions in the order of
// their first event, so that ids follow the caller's order.
func (o *Outbox) route(topic string, events []eventbus.Event) (byPart map[int32][]eventbus.Event, order []int32, err error) {
	byPart = make(map[int32][]eventbus.Event)
	if err := o.cfg.complete(); err != nil {
		return nil, nil, err
	}
	share := 1 + 5*len(events)/(4*int(o.cfg.Partitions)) // a hash's, and a quarter more
	for _, e := range events {
		part := o.cfg.Partition(e.Subject, o.cfg.Partitions)
		if _, known := o.partitions[address{topic, part}]; !known {
			return nil, nil, fmt.Errorf("partition %d is not among the configured topics' partitions", part)
		}
		if _, seen := byPart[part]; !seen {
			order = append(order, part)
			byPart[part] = make([]eventbus.Event, 0, share)
		}
		byPart[part] = append(byPart[part], e)
	}
	return byPart, order, nil
}

// split cuts events into batches that are small enough for a pack.
func (o *Outbox) split(events []eventbus.Event) ([][]eventbus.Event, error) {
	var batches [][]eventbus.Event
	empty := packOverhead + len(o.cfg.Source)
	start, size := 0, empty
	for i, e := range events {
		grown := sizeAtMost(e)
		if empty+grown > o.cfg.MaxPackBytes {
			return nil, fmt.Errorf("%w: %s of %d bytes", ErrTooLarge, e.Type, len(e.Payload))
		}
		if i-start == o.cfg.BatchMax || size+grown > o.cfg.MaxPackBytes {
			batches = append(batches, events[start:i])
			start, size = i, empty
		}
		size += grown
	}
	return append(batches, events[start:]), nil
}

// Upper bounds of what the pack format adds to the bytes of its fields: tags,
// lengths, the time, the flag.
const (
	packOverhead  = 24
	eventOverhead = 40
	traceLength   = 55
)

// sizeAtMost bounds the size of e in a pack. A trace parent not yet filled in
// is allowed for.
func sizeAtMost(e eventbus.Event) int {
	return eventOverhead + len(e.ID) + len(e.Type) + len(e.Subject) + max(traceLength, len(e.TraceParent)) + len(e.Payload)
}

func (o *Outbox) encode(a address, at time.Time, origins tracing.Origins, events []eventbus.Event) (pack, error) {
	for i := range events {
		if events[i].TraceParent == "" {
			events[i].TraceParent = origins.TraceParent(events[i].Subject) // route has copied the caller's slice
		}
	}
	value, err := eventbus.Encode(o.cfg.Source, at, events)
	if err != nil {
		return pack{}, err
	}
	id, err := o.ids.Next()
	if err != nil {
		return pack{}, fmt.Errorf("number a pack: %w", err)
	}
	return pack{address: a, id: id, n: len(events), at: database.Micros(at), value: value}, nil
}

// maxInsertBytes keeps a statement below the server's packet limit, even with
// every byte escaped.
const maxInsertBytes = 4 << 20

func store(ctx context.Context, tx *database.Tx, packs []pack) error {
	pointers := make([][]any, len(packs))
	var rows [][]any
	size := 0
	for i, p := range packs {
		if size+len(p.value) > maxInsertBytes && len(rows) > 0 {
			if err := insertLog(ctx, tx, rows); err != nil {
				return err
			}
			rows, size = nil, 0
		}
		rows, size = append(rows, []any{p.id, p.topic, p.part, p.n, p.at, p.value}), size+len(p.value)
		pointers[i] = []any{p.topic, p.part, p.id}
	}
	if err := insertLog(ctx, tx, rows); err != nil {
		return err
	}
	return tx.Insert(ctx, "outbox", []string{"topic", "part", "id"}, pointers)
}

func insertLog(ctx context.Context, tx *database.Tx, rows [][]any) error {
	return tx.Insert(ctx, "event_log", []string{"id", "topic", "part", "n", "at", "payload"}, rows)
}
