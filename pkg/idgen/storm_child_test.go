package idgen_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/database"
	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient"
)

// stormStore tells this program that it is a child of TestStorm, and where the
// leases are.
const stormStore = "SOUK_TEST_IDGEN_STORM"

// beStormChild makes ids, and writes what it made, until it is killed.
func beStormChild(where string) {
	leases, err := leasesAt(context.Background(), where)
	if err != nil {
		log.Fatal(err)
	}
	var workers sync.WaitGroup
	for range stormWorkers {
		c := newClock()
		w := idgen.New(leases, idgen.Config{LeaseTTL: stormTTL, Clock: c.now})
		go func() { _ = w.Run(context.Background()) }()
		workers.Go(func() { makeIDs(w, c) })
	}
	workers.Wait()
}

func leasesAt(ctx context.Context, where string) (idgen.Leases, error) {
	if !strings.Contains(where, "/") {
		rdb, err := redisclient.Open(ctx, redisclient.Config{Addrs: []string{where}})
		if err != nil {
			return nil, err
		}
		return idgen.InRedis(rdb, "leases")
	}
	db, err := database.Open(ctx, database.Config{DSN: config.Secret(where)})
	if err != nil {
		return nil, err
	}
	return idgen.InSQL(db), nil
}

// makeIDs never ends. Its clock runs with the true one, but for the steps.
func makeIDs(w *idgen.Worker, c *clock) {
	const minutes = 5 * time.Minute
	for last := time.Now(); ; {
		now := time.Now()
		c.step(now.Sub(last))
		last = now
		if rand.N(2000) == 0 {
			c.step(rand.N(2*minutes) - minutes)
		}
		ids, err := w.NextN(1 + rand.N(500))
		if err != nil { // no lease now, or its mark is reached
			time.Sleep(time.Millisecond)
			continue
		}
		report(ids)
	}
}

// report writes ids as stretches of positions, in one write each, which is
// whole however the process dies.
func report(ids []int64) {
	machine := int64(idgen.Parse(ids[0]).Machine)
	first := position(ids[0])
	for i, id := range ids {
		if position(id) != first+int64(i) || int64(idgen.Parse(id).Machine) != machine {
			log.Fatalf("ids of one call do not follow each other: %d at %d", id, i)
		}
	}
	fmt.Fprintf(os.Stdout, "%d %d %d.\n", machine, first, position(ids[len(ids)-1]))
}
