package database_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
)

// A SQLite file has no connection to lose, so these need a server.

var address = regexp.MustCompile(`tcp\(([^)]*)\)`)

// wire stands between the tests and the server. While armed with a text it
// cuts the connection on which a client sends that text.
type wire struct {
	server string
	armed  atomic.Pointer[string]
	lose   atomic.Bool // the request rather than the reply
	mute   atomic.Bool // lose the request, and say nothing instead of ending the connection
	cuts   atomic.Int64
	lines  sync.Map // of every client's connection
}

// openThrough returns a migrated database whose connections run through a wire,
// and begin with the given system variables.
func openThrough(t *testing.T, cfg database.Config, variables ...string) (*database.DB, *wire) {
	t.Helper()
	dsn := databasetest.DSN(t).Reveal()
	found := address.FindStringSubmatch(dsn)
	if found == nil {
		t.Skip("needs " + databasetest.DSNVariable)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{server: found[1]}
	var serving sync.WaitGroup
	serving.Go(func() { w.serve(listener, &serving) })
	dsn = address.ReplaceAllString(dsn, "tcp("+listener.Addr().String()+")")
	cfg.DSN = config.Secret(dsn + "?" + strings.Join(variables, "&"))
	db, err := database.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = db.Close()
		_ = listener.Close()
		serving.Wait()
	})
	if err := db.Migrate(t.Context(), migrations()); err != nil {
		t.Fatal(err)
	}
	return db, w
}

func (w *wire) serve(listener net.Listener, serving *sync.WaitGroup) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", w.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		w.lines.Store(client, nil)
		serving.Go(func() { w.requests(client, server) })
		serving.Go(func() { w.replies(client, server) })
	}
}

// cut reports whether packet is what the wire is armed against.
func (w *wire) cut(packet []byte) bool {
	text := w.armed.Load()
	return text != nil && bytes.Contains(packet, []byte(*text)) && w.armed.CompareAndSwap(text, nil)
}

func (w *wire) requests(client, server net.Conn) {
	defer func() { _ = server.Close() }()
	buffer := make([]byte, 1<<20)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if w.cut(buffer[:n]) {
			w.cuts.Add(1)
			if w.mute.Load() {
				_, _ = io.Copy(io.Discard, client)
				return
			}
			_ = client.Close() // no reply will arrive
			if w.lose.Load() {
				return
			}
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *wire) replies(client, server net.Conn) {
	_, _ = io.Copy(client, server)
	_ = client.Close()
}

// hangUp ends every connection.
func (w *wire) hangUp() {
	w.lines.Range(func(line, _ any) bool {
		_ = line.(net.Conn).Close()
		return true
	})
}

func (w *wire) arm(text string) { w.armed.Store(&text) }

func TestConnectionLostBeforeCommitIsRetried(t *testing.T) {
	db, w := openThrough(t, database.Config{})
	w.lose.Store(true)
	w.arm("INSERT INTO account")
	var runs, hooks int
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		runs++
		tx.OnCommit(func() { hooks++ })
		return tx.Insert(ctx, "account", columns, [][]any{{1, "ann", 1}})
	})
	if err != nil || runs != 2 || hooks != 1 || w.cuts.Load() != 1 || count(t, db) != 1 {
		t.Errorf("InTx() = %v after %d runs, %d hooks and %d cuts, want nil, 2, 1, 1", err, runs, hooks, w.cuts.Load())
	}
}

func TestConnectionLostInCommitIsUnknown(t *testing.T) {
	db, w := openThrough(t, database.Config{})
	var runs, hooks int
	w.arm("\x03COMMIT") // the packet, not READ COMMITTED
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		runs++
		tx.OnCommit(func() { hooks++ })
		return tx.Insert(ctx, "account", columns, [][]any{{1, "ann", 1}})
	})
	if !errors.Is(err, database.ErrCommitUnknown) || !database.IsTransient(err) || runs != 1 || hooks != 0 {
		t.Errorf("InTx() = %v after %d runs with %d hooks, want ErrCommitUnknown, 1, 0", err, runs, hooks)
	}
}

func TestIdleConnectionsThatDiedAreReplaced(t *testing.T) {
	db, w := openThrough(t, database.Config{})
	accounts(t, db, 1)
	for range 3 {
		w.hangUp()
		if _, err := db.Exec(t.Context(), "UPDATE account SET balance = balance + 1 WHERE id = 1"); err != nil {
			t.Fatal(err)
		}
	}
	if got := balance(t, db, 1); got != 103 {
		t.Errorf("balance %d, want 103", got)
	}
}

// A connection on which the server has fallen silent is given up, and what was
// under way is run again on another.
func TestASilentServerIsGivenUp(t *testing.T) {
	db, w := openThrough(t, database.Config{ReadTimeout: 300 * time.Millisecond})
	w.mute.Store(true)
	w.arm("INSERT INTO account")
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second) // below the default
	defer cancel()
	runs := 0
	err := db.InTx(ctx, func(ctx context.Context, tx *database.Tx) error {
		runs++
		return tx.Insert(ctx, "account", columns, [][]any{{1, "ann", 1}})
	})
	if err != nil || runs != 2 || count(t, db) != 1 {
		t.Errorf("InTx() = %v after %d runs, want nil after 2", err, runs)
	}
}

// A migration may take as long as it takes.
func TestMigrationsAreGivenTime(t *testing.T) {
	db, _ := openThrough(t, database.Config{ReadTimeout: 300 * time.Millisecond})
	slow := database.Migrations{Name: "slow", FS: fstest.MapFS{"0001_slow.sql": {Data: []byte("-- +goose Up\nDO SLEEP(1);\n")}}}
	if err := db.Migrate(t.Context(), slow); err != nil {
		t.Error(err)
	}
}

// Who waits for a lock gives way before its connection is given up.
func TestLocksAreWaitedForHalfAsLong(t *testing.T) {
	db, _ := openThrough(t, database.Config{ReadTimeout: 4 * time.Second})
	var seconds int
	if err := db.QueryRow(t.Context(), "SELECT @@innodb_lock_wait_timeout").Scan(&seconds); err != nil || seconds != 2 {
		t.Errorf("%d s, %v; want 2", seconds, err)
	}
}

// Transactions are READ COMMITTED on every connection, and on those that
// replace it, though none asks for it.
func TestEveryConnectionIsReadCommitted(t *testing.T) {
	var level, value string
	if db, _ := openThrough(t, database.Config{}); db.QueryRow(t.Context(), "SHOW VARIABLES LIKE 't%isolation'").Scan(&level, &value) != nil {
		t.Fatal("the server's name of the isolation level is not known")
	}
	db, w := openThrough(t, database.Config{MaxOpen: 4}, level+"=%27REPEATABLE-READ%27") // whatever the server begins with
	accounts(t, db, 1)
	seesCommits(t, db, 3)
	w.arm("ISOLATION LEVEL")
	seesCommits(t, db, 3)
	if w.cuts.Load() != 0 {
		t.Error("a transaction asked for its isolation level")
	}
	w.armed.Store(nil)
	w.hangUp()
	seesCommits(t, db, 3)
}

// seesCommits has n transactions, each on a connection of its own, read a row
// before and after another one has changed it.
func seesCommits(t *testing.T, db *database.DB, n int) {
	t.Helper()
	if n == 0 {
		before := balance(t, db, 1)
		if _, err := db.Exec(t.Context(), "UPDATE account SET balance = ? WHERE id = 1", before+1); err != nil {
			t.Fatal(err)
		}
		return
	}
	inTx(t, db, func(ctx context.Context, tx *database.Tx) error {
		read := func() (b int64, err error) {
			err = tx.QueryRow(ctx, "SELECT balance FROM account WHERE id = 1").Scan(&b)
			return b, err
		}
		before, err := read()
		if err != nil {
			return err
		}
		seesCommits(t, db, n-1)
		if after, err := read(); err != nil || after != before+1 {
			t.Errorf("read %d, then %d, %v; want the other transaction's", before, after, err)
		}
		return nil
	})
}

// A statement that is its own transaction runs again, whether the request was
// lost or the reply.
func TestDeleteManyIsRepeatedWhenTheConnectionIsLost(t *testing.T) {
	for name, lose := range map[string]bool{"request": true, "reply": false} {
		t.Run(name, func(t *testing.T) {
			db, w := openThrough(t, database.Config{})
			accounts(t, db, 3)
			w.lose.Store(lose)
			w.arm("DELETE t FROM")
			err := db.DeleteMany(t.Context(), "account", []string{"id"}, [][]any{{1}, {3}})
			if err != nil || w.cuts.Load() != 1 || count(t, db) != 1 {
				t.Errorf("DeleteMany() = %v after %d cuts, %d rows left; want nil, 1, 1", err, w.cuts.Load(), count(t, db))
			}
		})
	}
}
