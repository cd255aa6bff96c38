// Package ordertrace collects everything the services hold about one order, in
// the order in which it happened.
package ordertrace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"souk.example/cmd/souk/internal/cloudevents"
	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// Entry is one thing a service holds about the order: a row, or an event it
// has sent.
type Entry struct {
	At      time.Time          `json:"at"`
	Service string             `json:"service"`
	Kind    string             `json:"kind"` // the table, or "event"
	Row     map[string]any     `json:"row,omitempty"`
	Event   *cloudevents.Event `json:"event,omitempty"`
	Pending bool               `json:"pending,omitempty"` // an event that waits in the outbox, or has left it a moment ago
}

// Collect reads the databases, which are named by service. Nothing found is an
// empty trace.
func Collect(ctx context.Context, dbs map[string]*database.DB, order int64) ([]Entry, error) {
	var all []Entry
	for service, db := range dbs {
		found, err := collectOne(ctx, service, db, order)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", service, err)
		}
		all = append(all, found...)
	}
	Sort(all)
	return all, nil
}

// Sort puts entries in the order in which they happened.
func Sort(entries []Entry) {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Kind, b.Kind))
	})
}

func collectOne(ctx context.Context, service string, db *database.DB, order int64) ([]Entry, error) {
	var found []Entry
	err := db.Snapshot(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, q := range queries(service, order) {
			rows, err := q.read(ctx, tx, service)
			if err != nil {
				return err
			}
			found = append(found, rows...)
		}
		events, err := readEvents(ctx, tx, service, order)
		found = append(found, events...)
		return err
	})
	return found, err
}

const (
	// packTimeBits is how far a pack's id is shifted to leave its time: ids are
	// snowflakes, whose upper bits are milliseconds.
	packTimeBits = 22
	// maxSkew is by how many milliseconds one service's ids may lag behind
	// another's: clocks differ, and a busy service borrows from the future.
	maxSkew = 60_000
)

// readEvents finds the events about the order in the service's event log. Only
// packs of the order's partition, not made well before the order, can hold any.
func readEvents(ctx context.Context, tx *database.Tx, service string, order int64) ([]Entry, error) {
	subject := strconv.FormatInt(order, 10)
	since := (order>>packTimeBits - maxSkew) << packTimeBits
	rows, err := tx.Query(ctx, "SELECT e.id, e.payload, o.id IS NOT NULL FROM event_log e "+
		"LEFT JOIN outbox o ON o.topic = e.topic AND o.part = e.part AND o.id = e.id "+
		"WHERE e.part = ? AND e.id >= ? ORDER BY e.id", contracts.Partition(subject, contracts.Partitions), since)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Entry
	for rows.Next() {
		var id int64
		var payload []byte
		var pending bool
		if err := rows.Scan(&id, &payload, &pending); err != nil {
			return nil, err
		}
		events, err := eventbus.Decode(payload)
		if err != nil {
			return nil, fmt.Errorf("pack %d: %w", id, err)
		}
		found = append(found, about(subject, service, events, pending)...)
	}
	return found, rows.Err()
}

func about(subject, service string, events []eventbus.Event, pending bool) []Entry {
	var found []Entry
	for _, e := range events {
		if e.Subject == subject {
			ce := cloudevents.From(e)
			found = append(found, Entry{At: ce.Time, Service: service, Kind: "event", Event: &ce, Pending: pending})
		}
	}
	return found
}
