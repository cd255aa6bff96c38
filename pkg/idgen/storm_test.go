package idgen_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient/redistest"
)

const (
	stormProcesses = 16
	stormWorkers   = 2 // of each process: 32 together, as many as there are numbers
	stormTTL       = time.Second
)

// stretch is ids of one machine whose positions follow each other.
type stretch struct{ machine, first, last int64 }

func position(id int64) int64 { return id>>22<<12 | id&(1<<12-1) }

// No id comes twice from 32 workers of 16 processes that are killed and started
// again, whose clocks step by up to five minutes and whose leases are stolen.
// SOUK_TEST_IDS says how many ids to make of each kind of lease.
func TestStorm(t *testing.T) {
	want := int64(5_000_000)
	if text := os.Getenv("SOUK_TEST_IDS"); text != "" {
		want, _ = strconv.ParseInt(text, 10, 64)
	}
	t.Run("sql", func(t *testing.T) {
		dsn := databasetest.DSN(t)
		db, err := database.Open(t.Context(), database.Config{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if err := db.Migrate(t.Context(), idgen.Migrations()); err != nil {
			t.Fatal(err)
		}
		storm(t, dsn.Reveal(), want, func(worker int64) error {
			_, err := db.Exec(t.Context(), "UPDATE worker_lease SET until = 1 WHERE worker = ?", worker)
			return err
		})
	})
	t.Run("redis", func(t *testing.T) {
		server := redistest.Start(t)
		rdb := redistest.Dial(t, server.Addr())
		storm(t, server.Addr(), want, func(worker int64) error {
			// As if the lease were over: its term and its mark stay.
			return rdb.Write().Eval(t.Context(), `local row = redis.call('HGET', KEYS[1], ARGV[1])
				if row then redis.call('HSET', KEYS[1], ARGV[1], (string.gsub(row, ':%d+:', ':1:', 1))) end return 0`,
				[]string{"leases"}, worker).Err()
		})
	})
}

// storm makes want ids in processes that lease at where, and checks them.
func storm(t *testing.T, where string, want int64, steal func(worker int64) error) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	made := make(chan stretch, 1024)
	var processes sync.WaitGroup
	var deaths atomic.Int64
	for range stormProcesses {
		processes.Go(func() {
			for ctx.Err() == nil {
				stormProcess(ctx, t, where, made)
				deaths.Add(1)
			}
		})
	}
	go func() { processes.Wait(); close(made) }()

	ids, kept, thefts := int64(0), map[int64][]stretch{}, 0
	for s := range made {
		kept[s.machine] = append(kept[s.machine], s)
		ids += s.last - s.first + 1
		if ids >= want && len(kept) == 32 && thefts >= 20 && deaths.Load() >= 20 {
			stop()
		}
		if rand.N(2000) == 0 && ctx.Err() == nil {
			thefts++
			if err := steal(s.machine); err != nil {
				t.Error(err)
			}
		}
	}
	if ctx.Err() == nil {
		t.Error("the processes ended by themselves")
	}
	checkStretches(t, kept)
	t.Logf("%d ids, %d processes killed, %d leases stolen", ids, deaths.Load(), thefts)
}

// checkStretches finds ids that were made twice.
func checkStretches(t *testing.T, kept map[int64][]stretch) {
	t.Helper()
	for machine, all := range kept {
		slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.first, b.first) })
		for i := 1; i < len(all); i++ {
			if all[i].first <= all[i-1].last {
				t.Fatalf("machine %d made %d to %d and %d to %d", machine, all[i-1].first, all[i-1].last, all[i].first, all[i].last)
			}
		}
	}
}

// stormProcess runs one child for up to three seconds, kills it and passes on
// what it made.
func stormProcess(ctx context.Context, t *testing.T, where string, made chan<- stretch) {
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), stormStore+"="+where)
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return // enough was made while this one was about to start
	case err != nil:
		t.Errorf("start a child: %v", err)
		return
	}
	death := time.AfterFunc(time.Second+rand.N(2*time.Second), func() { _ = child.Process.Kill() })
	defer death.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var s stretch
		// The last line of a child that was killed may be cut.
		if n, _ := fmt.Sscanf(lines.Text(), "%d %d %d.", &s.machine, &s.first, &s.last); n == 3 && lines.Text()[len(lines.Text())-1] == '.' {
			made <- s
		}
	}
	_ = child.Wait() // it was killed
}
