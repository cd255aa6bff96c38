package inbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
)

// Status is what has become of an event that could not be applied at once.
type Status string

// The statuses of a dead letter. The first two are unresolved.
const (
	Waiting   Status = "WAITING"   // for its turn or its next attempt
	Dead      Status = "DEAD"      // for an operator
	Applied   Status = "APPLIED"   // in the end
	Discarded Status = "DISCARDED" // by an operator
)

var (
	// ErrNoLetter is returned for an id that no dead letter has.
	ErrNoLetter = errors.New("inbox: no such dead letter")
	// ErrResolved is returned for a letter that is applied or discarded.
	ErrResolved = errors.New("inbox: the dead letter is resolved")
	// ErrBehind is returned for a letter that waits for an earlier one of its
	// key: nothing but that can be redriven.
	ErrBehind = errors.New("inbox: an earlier event of the same key has to be applied first")
	// ErrNotDead is returned for a letter that is still being tried.
	ErrNotDead = errors.New("inbox: the event is not dead")
	// ErrNoCommand is returned when nothing is said to make good what a
	// discarded event should have done.
	ErrNoCommand = errors.New("inbox: discarding needs the command that compensates for it")
	// ErrNotAnEvent is returned for a record that cannot be decoded.
	ErrNotAnEvent = errors.New("inbox: the dead letter is a record that cannot be decoded")
)

// Letter is an event, or a record that could not be decoded, that a group did
// not apply at once.
type Letter struct {
	ID         int64
	Group      string
	Topic      string
	Partition  int32
	Offset     int64
	Position   int    // within the record
	Key        string // none: the record could not be decoded
	Source     string
	EventID    string
	EventType  string
	Class      string // poison, panic, unknown_version, behind (another of its key) or undecodable
	Error      string
	Attempts   int
	Due        time.Time // of the next attempt; zero: it waits for another event or for an operator
	Status     Status
	ResolvedBy string // what applied it, or what compensates for it

	payload []byte
}

// Event decodes the event.
func (l Letter) Event() (eventbus.Event, error) {
	events, err := eventbus.Decode(l.payload)
	if err != nil || l.Key == "" {
		return eventbus.Event{}, errors.Join(ErrNotAnEvent, err)
	}
	return events[0], nil
}

// Record is what could not be decoded, as it stood in the log; nil for an event.
// It may hold anything: do not print it.
func (l Letter) Record() []byte {
	if l.Key != "" {
		return nil
	}
	return l.payload
}

// Filter selects letters; zero fields select all.
type Filter struct {
	Group, Key, EventType, Class string
	Status                       Status // none: Waiting and Dead
	Limit                        int    // none: 100
}

// Letters is an operator's view of the dead letters in one database. What it
// changes is carried out by the groups' own processes, in the order of the
// events of a key; it applies nothing itself. Safe for concurrent use.
type Letters struct{ db *database.DB }

// NewLetters returns the view of db, which has the inbox's tables.
func NewLetters(db *database.DB) *Letters { return &Letters{db: db} }

const selectLetters = `SELECT id, grp, topic, part, log_offset, pos, k, event_source, event_id, event_type,
	error_class, error, attempts, next_attempt_at, status, resolved_by, payload FROM dead_letter`

// inKeyOrder is the order in which the events of a key are applied.
const inKeyOrder = " ORDER BY topic, part, log_offset, pos"

// List returns the letters that f selects, by key and in the order of the log.
func (l *Letters) List(ctx context.Context, f Filter) ([]Letter, error) {
	where, args := f.where()
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	rows, err := l.db.Query(ctx, selectLetters+" WHERE "+where+" ORDER BY grp, k, topic, part, log_offset, pos LIMIT ?", append(args, limit)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var letters []Letter
	for rows.Next() {
		letter, err := scanLetter(rows)
		if err != nil {
			return nil, err
		}
		letters = append(letters, letter)
	}
	return letters, rows.Err()
}

func (f Filter) where() (sql string, args []any) {
	conditions := []string{"status IN (?, ?)"}
	args = []any{string(Waiting), string(Dead)}
	if f.Status != "" {
		conditions, args = []string{"status = ?"}, []any{string(f.Status)}
	}
	for _, c := range []struct{ column, value string }{
		{"grp", f.Group}, {"k", f.Key}, {"event_type", f.EventType}, {"error_class", f.Class},
	} {
		if c.value != "" {
			conditions, args = append(conditions, c.column+" = ?"), append(args, c.value)
		}
	}
	return strings.Join(conditions, " AND "), args
}

type scanner interface{ Scan(dest ...any) error }

func scanLetter(row scanner) (l Letter, err error) {
	var due int64
	err = row.Scan(&l.ID, &l.Group, &l.Topic, &l.Partition, &l.Offset, &l.Position, &l.Key, &l.Source, &l.EventID, &l.EventType,
		&l.Class, &l.Error, &l.Attempts, &due, &l.Status, &l.ResolvedBy, &l.payload)
	if due != never {
		l.Due = database.Time(due)
	}
	return l, err
}

// Get returns a letter by its id, or ErrNoLetter.
func (l *Letters) Get(ctx context.Context, id int64) (Letter, error) {
	letter, err := scanLetter(l.db.QueryRow(ctx, selectLetters+" WHERE id = ?", id))
	if errors.Is(err, database.ErrNotFound) {
		return Letter{}, ErrNoLetter
	}
	return letter, err
}

// Redrive has the group try a letter again, with all its attempts, as the same
// event. It fails with ErrResolved or ErrBehind.
func (l *Letters) Redrive(ctx context.Context, id int64) error {
	return l.change(ctx, id, func(ctx context.Context, tx *database.Tx, letter Letter) error {
		first, err := head(ctx, tx, letter.Group, letter.Key)
		if err != nil {
			return err
		}
		if first.ID != id && letter.Key != "" {
			return ErrBehind
		}
		now, err := tx.Now(ctx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE dead_letter SET status = ?, attempts = 0, copied = 0, next_attempt_at = ? WHERE id = ?",
			string(Waiting), database.Micros(now), id)
		return err
	})
}

// Edit gives a dead event another payload; it stays dead until it is redriven.
// What it was stands on the dead letter topic and in its sender's event_log.
// It fails with ErrNotDead, ErrNotAnEvent or ErrResolved.
func (l *Letters) Edit(ctx context.Context, id int64, payload []byte) error {
	return l.change(ctx, id, func(ctx context.Context, tx *database.Tx, letter Letter) error {
		if letter.Status != Dead {
			return ErrNotDead
		}
		event, err := letter.Event()
		if err != nil {
			return err
		}
		event.Payload = payload
		pack, err := eventbus.Encode(event.Source, event.Time, []eventbus.Event{event})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "UPDATE dead_letter SET payload = ? WHERE id = ?", pack, id)
		return err
	})
}

// Discard gives an event up for good, so that the later ones of its key go on.
// Command says what makes good what the event should have done; it is kept
// with the letter. It fails with ErrNoCommand or ErrResolved.
func (l *Letters) Discard(ctx context.Context, id int64, command string) error {
	if strings.TrimSpace(command) == "" {
		return ErrNoCommand
	}
	return l.change(ctx, id, func(ctx context.Context, tx *database.Tx, letter Letter) error {
		_, err := resolve(ctx, tx, letter, Discarded, command)
		return err
	})
}

// change runs fn on an unresolved letter while nobody else may touch its key.
func (l *Letters) change(ctx context.Context, id int64, fn func(context.Context, *database.Tx, Letter) error) error {
	found, err := l.Get(ctx, id)
	if err != nil {
		return err
	}
	return l.db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := lockKey(ctx, tx, found.Group, found.Key); err != nil {
			return err
		}
		letter, err := scanLetter(tx.QueryRow(ctx, selectLetters+" WHERE id = ?", id))
		if err != nil {
			return err
		}
		if letter.Status != Waiting && letter.Status != Dead {
			return ErrResolved
		}
		return fn(ctx, tx, letter)
	})
}

// lockKey parks a key if it is not, and keeps all others from it until tx ends.
func lockKey(ctx context.Context, tx *database.Tx, group, key string) error {
	if _, err := tx.InsertIgnore(ctx, "parked_key", []string{"grp", "k"}, [][]any{{group, key}}); err != nil {
		return fmt.Errorf("lock a parked key: %w", err)
	}
	_, err := readStrings(ctx, tx, "SELECT k FROM parked_key WHERE grp = ? AND k = ?"+tx.ForUpdate(), group, key)
	return err
}

// resolve closes a letter and makes the next one of its key due at once, or
// frees the key when there is none. The key must be locked.
func resolve(ctx context.Context, tx *database.Tx, l Letter, how Status, by string) (more bool, err error) {
	const update = "UPDATE dead_letter SET status = ?, resolved_by = ?, next_attempt_at = ? WHERE id = ?"
	if _, err := tx.Exec(ctx, update, string(how), by, int64(never), l.ID); err != nil {
		return false, err
	}
	return release(ctx, tx, l.Group, l.Key)
}

// release makes the first letter of a locked key due, if it waits for no other,
// or frees the key when there is none; it reports whether there is something to
// try. Whoever parks a key or closes a letter leaves the key to it, or nobody
// would ever look at that again.
func release(ctx context.Context, tx *database.Tx, group, key string) (more bool, err error) {
	first, err := head(ctx, tx, group, key)
	if errors.Is(err, database.ErrNotFound) {
		_, err := tx.Exec(ctx, "DELETE FROM parked_key WHERE grp = ? AND k = ?", group, key)
		return false, err
	}
	if err != nil || first.Status == Dead || !first.Due.IsZero() {
		return err == nil && first.Status == Waiting, err
	}
	now, err := tx.Now(ctx)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, "UPDATE dead_letter SET next_attempt_at = ? WHERE id = ?", database.Micros(now), first.ID)
	return true, err
}

// head returns the first unresolved letter of a key, or database.ErrNotFound.
func head(ctx context.Context, tx *database.Tx, group, key string) (Letter, error) {
	const query = selectLetters + " WHERE grp = ? AND k = ? AND status IN (?, ?)" + inKeyOrder + " LIMIT 1"
	return scanLetter(tx.QueryRow(ctx, query, group, key, string(Waiting), string(Dead)))
}
