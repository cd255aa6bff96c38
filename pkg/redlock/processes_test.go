package redlock_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

// childOf tells this program that it is a child of TestFencedWritesNeverOverlap,
// and where Redis is; childRegister where the register is, childTurns how often
// to write to it.
const (
	childOf       = "SOUK_TEST_LOCK_REDIS"
	childRegister = "SOUK_TEST_LOCK_REGISTER"
	childTurns    = "SOUK_TEST_LOCK_TURNS"
	pausedTTL     = 150 * time.Millisecond
)

// Eight processes write to a register under one lock, which checks the fence.
// Now and then a holder is stopped for twice the TTL or has Redis forget all.
// SOUK_TEST_LOCK_ACQUISITIONS is the number of acquisitions, default 400.
func TestFencedWritesNeverOverlap(t *testing.T) {
	if os.Getenv("SOUK_TEST_REDIS_SERVER") == "" {
		t.Skip("SOUK_TEST_REDIS_SERVER is unset, and in a miniredis nothing expires")
	}
	acquisitions, err := strconv.Atoi(os.Getenv("SOUK_TEST_LOCK_ACQUISITIONS"))
	if err != nil {
		acquisitions = 400
	}
	addr := redistest.Start(t).Addr()
	file := filepath.Join(t.TempDir(), "register.db")
	register := openRegister(t, file)
	var children sync.WaitGroup
	for range 8 {
		children.Go(func() { runChild(t, addr, file, acquisitions/8) })
	}
	children.Wait()
	if t.Failed() {
		return
	}
	checkHistory(t, readHistory(t, register), acquisitions/8*8)
}

// runChild runs a child and, whenever it says that it stops itself, has it go
// on after twice the TTL.
func runChild(t *testing.T, addr, file string, turns int) {
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childOf+"="+addr, childRegister+"="+file, fmt.Sprintf("%s=%d", childTurns, turns))
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Error(err)
		return
	}
	if err := child.Start(); err != nil {
		t.Error(err)
		return
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		time.Sleep(2 * pausedTTL) // what the test is about
		if err := child.Process.Signal(syscall.SIGCONT); err != nil {
			t.Error(err)
		}
	}
	if err := child.Wait(); err != nil {
		t.Errorf("a child ended with %v", err)
	}
}

// openRegister opens the register: the history of the writes it was asked for,
// of which it accepts none with a lower fence than one before, and the fences
// of those who lost the lock.
func openRegister(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", registerName(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(`CREATE TABLE history (seq INTEGER PRIMARY KEY, fence INTEGER NOT NULL, step TEXT NOT NULL, accepted BOOL NOT NULL);
		CREATE TABLE lost (fence INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	return db
}

func registerName(file string) string {
	return "file:" + file + "?_pragma=busy_timeout(30000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)"
}

// write is what somebody who was given fence asked of the register.
type write struct {
	fence          int64
	step           string
	accepted, lost bool // lost: the holder had lost the lock when it released it
}

// readHistory returns the writes in the order in which they were asked for.
func readHistory(t *testing.T, register *sql.DB) (history []write) {
	t.Helper()
	rows, err := register.Query(`SELECT fence, step, accepted, fence IN (SELECT fence FROM lost) FROM history ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var w write
		if err := rows.Scan(&w.fence, &w.step, &w.accepted, &w.lost); err != nil {
			t.Fatal(err)
		}
		history = append(history, w)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return history
}

// checkHistory holds the register to its purpose: between two accepted writes
// of one holder there is none of another. It holds the lock to its own: fences
// strictly increase from holder to holder, so that only those are refused who
// have lost it, and they are few.
func checkHistory(t *testing.T, history []write, acquisitions int) {
	t.Helper()
	issued := make(map[int64]bool)
	var holder, highest int64
	var entered, overtaken int
	for _, w := range history {
		entering := w.step == "enter"
		switch {
		case entering && issued[w.fence]:
			t.Errorf("fence %d was issued twice", w.fence)
		case entering && w.fence <= highest && !w.lost:
			t.Errorf("fence %d after %d", w.fence, highest)
		case !w.accepted && !w.lost:
			t.Errorf("fence %d was refused after %d although its holder had the lock", w.fence, highest)
		case !w.accepted:
			overtaken++
		case !entering && w.fence != holder:
			t.Errorf("fence %d wrote between the writes of %d", w.fence, holder)
		}
		if entering {
			entered++
			issued[w.fence], highest = true, max(highest, w.fence)
		}
		if w.accepted {
			holder = w.fence
		}
	}
	if entered != acquisitions || overtaken == 0 || overtaken > acquisitions/4 {
		t.Errorf("%d of %d acquisitions, %d overtaken: the test proves nothing", entered, acquisitions, overtaken)
	}
	t.Logf("%d acquisitions, %d writes of overtaken holders refused", entered, overtaken)
}

// beChild writes to the register so many times.
func beChild(addr string) error {
	turns, err := strconv.Atoi(os.Getenv(childTurns))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	rdb, err := redisclient.Open(ctx, redisclient.Config{Addrs: []string{addr}})
	if err != nil {
		return err
	}
	locker, err := redlock.New(rdb, redlock.Config{TTL: pausedTTL, RetryDelay: 10 * time.Millisecond})
	if err != nil {
		return err
	}
	register, err := sql.Open("sqlite", registerName(os.Getenv(childRegister)))
	if err != nil {
		return err
	}
	for turn := 0; turn < turns; {
		lock, err := locker.Acquire(ctx, "register")
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil: // on a busy machine, Redis takes longer than this TTL
			continue
		}
		turn++
		err = errors.Join(ask(register, lock, "enter"), disturb(ctx, rdb, turn), ask(register, lock, "leave"), release(register, lock))
		if err != nil {
			return err
		}
	}
	return nil
}

// ask asks the register for a write, which checks the fence. It minds no
// context: a stopped process sees its end too late.
func ask(register *sql.DB, lock *redlock.Lock, step string) error {
	_, err := register.Exec(`INSERT INTO history (fence, step, accepted) VALUES (?1, ?2,
		?1 >= coalesce((SELECT fence FROM history WHERE accepted ORDER BY seq DESC LIMIT 1), 0))`, lock.Fence(), step)
	return err
}

// release releases the lock and has the register know when it was lost.
func release(register *sql.DB, lock *redlock.Lock) error {
	if lock.Release() == nil {
		return nil
	}
	_, err := register.Exec(`INSERT OR IGNORE INTO lost (fence) VALUES (?)`, lock.Fence())
	return err
}

// disturb has, once in 50 turns each, this process stopped or Redis forget
// everything while the lock is held.
func disturb(ctx context.Context, rdb *redisclient.Client, turn int) error {
	switch turn % 50 {
	case 20:
		if _, err := io.WriteString(os.Stdout, "I stop\n"); err != nil {
			return err
		}
		return syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case 40:
		return rdb.Write().(*redis.Client).FlushAll(ctx).Err()
	}
	return nil
}
