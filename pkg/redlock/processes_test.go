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
	checkHistory(t, register, acquisitions/8*8)
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

// openRegister opens the register: the history of the writes it accepted, of
// which none has a lower fence than one before.
func openRegister(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", registerName(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(`CREATE TABLE history (seq INTEGER PRIMARY KEY, fence INTEGER NOT NULL, step TEXT NOT NULL, accepted BOOL NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	return db
}

func registerName(file string) string {
	return "file:" + file + "?_pragma=busy_timeout(30000)&_pragma=journal_mode(wal)&_pragma=synchronous(off)"
}

// checkHistory holds the register to its purpose: between two accepted writes
// of one holder there is none of another, and fences strictly increase.
func checkHistory(t *testing.T, register *sql.DB, acquisitions int) {
	t.Helper()
	rows, err := register.Query(`SELECT fence, step, accepted FROM history ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	issued := make(map[int64]bool)
	var holder, entered, overtaken int64
	for rows.Next() {
		var fence int64
		var step string
		var accepted bool
		if err := rows.Scan(&fence, &step, &accepted); err != nil {
			t.Fatal(err)
		}
		switch {
		case step == "enter" && issued[fence]:
			t.Errorf("fence %d was issued twice", fence)
		case !accepted:
			overtaken++
		case step == "enter" && fence <= holder:
			t.Errorf("fence %d after %d", fence, holder)
		case step == "leave" && fence != holder:
			t.Errorf("fence %d wrote between the writes of %d", fence, holder)
		}
		if step == "enter" {
			entered++
			issued[fence] = true
		}
		if accepted {
			holder = fence
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if int(entered) != acquisitions || overtaken == 0 {
		t.Errorf("%d of %d acquisitions, %d overtaken: the test proves nothing", entered, acquisitions, overtaken)
	}
	t.Logf("%d acquisitions, %d writes of overtaken holders refused, 0 overlaps", entered, overtaken)
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
		if err := errors.Join(write(register, lock, "enter"), disturb(ctx, rdb, turn), write(register, lock, "leave")); err != nil {
			return err
		}
		_ = lock.Release() // of a lock that is lost, or that expires by itself
	}
	return nil
}

// write is the register's check. It minds no context: a stopped process sees
// its end too late.
func write(register *sql.DB, lock *redlock.Lock, step string) error {
	_, err := register.Exec(`INSERT INTO history (fence, step, accepted)
		SELECT ?1, ?2, ?1 >= coalesce(max(fence), 0) FROM history WHERE accepted`, lock.Fence(), step)
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
