package database_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"

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
	cuts   atomic.Int64
	lines  sync.Map // of every client's connection
}

// openThrough returns a migrated database whose connections run through a wire.
func openThrough(t *testing.T) (*database.DB, *wire) {
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
	db, err := database.Open(t.Context(), database.Config{DSN: config.Secret(dsn)})
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
	db, w := openThrough(t)
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
	db, w := openThrough(t)
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
	db, w := openThrough(t)
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
