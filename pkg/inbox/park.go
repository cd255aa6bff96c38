package inbox

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// maxErrorLen is in bytes; the column has room for more.
const maxErrorLen = 1000

// never is when a letter is due that waits for another one or for an operator.
const never = math.MaxInt64

// letter is one row of dead_letter as it is parked, less its id and its due
// time.
type letter struct {
	at        topicPartition
	offset    int64
	pos       int
	key       string
	source    string
	eventID   string
	eventType string
	payload   []byte
	fault     fault
	attempts  int
	status    Status

	traceParent string // of the event; payload has it too
}

// eventLetter keeps an event as a pack of its own, so that nothing is lost.
func eventLetter(e entry, f fault) letter {
	attempts := 1
	if f.class == classBehind {
		attempts = 0
	}
	// Encode refuses only what Decode has refused before.
	payload, _ := eventbus.Encode(e.event.Source, e.event.Time, []eventbus.Event{*e.event})
	return letter{
		at: e.at, offset: e.offset, pos: e.pos,
		key: e.event.Subject, source: e.event.Source, eventID: e.event.ID, eventType: e.event.Type,
		payload: payload, fault: f, attempts: attempts, status: Waiting, traceParent: e.event.TraceParent,
	}
}

// undecodable returns the records of the batch that could not be decoded. They
// have no key and no id but their place, and no retry can cure them.
func undecodable(b *batch) []letter {
	var letters []letter
	for _, it := range b.items {
		if it.err == nil || b.skips(it.record) {
			continue
		}
		at := topicPartition{it.record.Topic, it.record.Partition}
		letters = append(letters, letter{
			at: at, offset: it.record.Offset,
			eventID: fmt.Sprintf("%s/%d@%d", at.topic, at.partition, it.record.Offset),
			payload: append([]byte{}, it.record.Value...), // nil would be NULL
			fault:   fault{classUndecodable, it.err}, status: Dead,
		})
	}
	return letters
}

// parkedAmong returns which of the keys are parked, and locks them against
// being released. Nearly always nothing is parked, so that is asked first.
func (i *Inbox) parkedAmong(ctx context.Context, tx *database.Tx, keys []string) (map[string]bool, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	one, err := readStrings(ctx, tx, "SELECT k FROM parked_key WHERE grp = ? LIMIT 1", i.cfg.Group)
	if err != nil || len(one) == 0 {
		return nil, err
	}
	in, args := database.In(keys)
	query := "SELECT k FROM parked_key WHERE grp = ? AND k IN " + in + " ORDER BY k" + tx.ForUpdate()
	found, err := readStrings(ctx, tx, query, slices.Concat([]any{i.cfg.Group}, args)...)
	parked := make(map[string]bool, len(found))
	for _, k := range found {
		parked[k] = true
	}
	return parked, err
}

func readStrings(ctx context.Context, tx *database.Tx, query string, args ...any) (found []string, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		found = append(found, s)
	}
	return found, rows.Err()
}

// savePark writes the plan's keys and letters. Those that are there already,
// because the records came again, stay as they are.
func (i *Inbox) savePark(ctx context.Context, tx *database.Tx, p plan) error {
	if err := i.parkKeys(ctx, tx, p.keys); err != nil || len(p.park) == 0 {
		return err
	}
	rows, err := i.letterRows(ctx, tx, p.park)
	if err != nil {
		return err
	}
	if _, err := tx.InsertIgnore(ctx, "dead_letter", letterColumns(), rows); err != nil {
		return fmt.Errorf("park events: %w", err)
	}
	// A key's letter may be there already, and closed; and one that has waited for
	// long may now stand behind another, of a topic that sorts before its own.
	for _, key := range keysOf(p.park) {
		if _, err := release(ctx, tx, i.cfg.Group, key); err != nil {
			return err
		}
	}
	return nil
}

// keysOf lists the letters' keys, each once; what cannot be decoded has none.
func keysOf(letters []letter) []string {
	var keys []string
	for _, l := range letters {
		if l.key != "" {
			keys = append(keys, l.key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (i *Inbox) parkKeys(ctx context.Context, tx *database.Tx, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	var rows [][]any
	for _, k := range slices.Sorted(slices.Values(keys)) {
		rows = append(rows, []any{i.cfg.Group, k})
	}
	if _, err := tx.InsertIgnore(ctx, "parked_key", []string{"grp", "k"}, rows); err != nil {
		return fmt.Errorf("park keys: %w", err)
	}
	return nil
}

func letterColumns() []string {
	return []string{
		"id", "grp", "topic", "part", "log_offset", "pos", "k", "event_source", "event_id", "event_type",
		"payload", "error_class", "error", "attempts", "next_attempt_at", "status", "resolved_by", "copied",
	}
}

func (i *Inbox) letterRows(ctx context.Context, tx *database.Tx, letters []letter) ([][]any, error) {
	now, err := tx.Now(ctx)
	if err != nil {
		return nil, err
	}
	first := database.Micros(now.Add(i.cfg.Retries[0]))
	rows := make([][]any, len(letters))
	for n, l := range letters {
		id, err := i.ids.Next()
		if err != nil {
			return nil, fmt.Errorf("id of a dead letter: %w", err)
		}
		due := int64(never)
		if l.status == Waiting && l.fault.class != classBehind {
			due = first
		}
		rows[n] = []any{
			id, i.cfg.Group, l.at.topic, l.at.partition, l.offset, l.pos, l.key, l.source, l.eventID, l.eventType,
			l.payload, l.fault.class, errorText(l.fault.err), l.attempts, due, string(l.status), "", 0,
		}
	}
	return rows, nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), maxErrorLen)], "")
}
