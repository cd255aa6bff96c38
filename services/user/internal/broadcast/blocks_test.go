package broadcast_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/user/internal/broadcast"
	"souk.example/services/user/internal/store"
	"souk.example/services/user/internal/user"
	"souk.example/services/user/migrations"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

type state = pubsub.State[contracts.BlockList]

// follow is a process that has the list from Redis.
func follow(t *testing.T, rdb *redisclient.Client) *state {
	t.Helper()
	bus, err := pubsub.New(rdb, pubsub.Config{})
	must(t, err)
	s, err := pubsub.NewState(bus, contracts.BlockListState, pubsub.StateConfig[contracts.BlockList]{})
	must(t, err)
	run(t, bus.Run)
	run(t, s.Run)
	return s
}

// publish is a user service.
func publish(t *testing.T, db *database.DB, s *state) *broadcast.Blocks {
	t.Helper()
	b := broadcast.NewBlocks(store.NewBlocks(db), s, slog.New(slog.DiscardHandler))
	run(t, b.Run)
	return b
}

func run(t *testing.T, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func block(t *testing.T, db *database.DB, s contracts.Subject) {
	t.Helper()
	_, err := store.NewBlocks(db).Put(t.Context(), user.Block{Subject: s, Reason: "r"})
	must(t, err)
}

func awaitOnly(t *testing.T, s *state, want ...contracts.Subject) {
	t.Helper()
	redistest.Eventually(t, "an edge knows who is shut out", func() bool {
		list, known := s.Get()
		var got []contracts.Subject
		for subject := range list.Blocks {
			got = append(got, subject)
		}
		slices.Sort(got)
		return known && slices.Equal(got, want)
	})
}

// What stands in SQL is told at start, at each change, and to a Redis that has
// lost everything together with every edge that knew.
func TestTheListOutlivesRedis(t *testing.T) {
	db, mini := databasetest.Open(t, migrations.Set()), redistest.Mini(t)
	rdb := redistest.Dial(t, mini.Addr())
	block(t, db, "user:7")
	b := publish(t, db, follow(t, rdb))
	awaitOnly(t, follow(t, rdb), "user:7")
	block(t, db, "user:8")
	b.Changed()
	awaitOnly(t, follow(t, rdb), "user:7", "user:8")

	mini.FlushAll()
	empty := redistest.Dial(t, redistest.Mini(t).Addr()) // nobody who knew is left
	publish(t, db, follow(t, empty))
	awaitOnly(t, follow(t, empty), "user:7", "user:8")
	awaitOnly(t, follow(t, rdb), "user:7", "user:8")
}

// Redis is told what is true, whatever it held: a list of other contents under
// the same revision, or of a later one.
func TestRedisIsNotBelieved(t *testing.T) {
	for name, held := range map[string]contracts.BlockList{
		"the same revision": {Revision: 1, Blocks: map[contracts.Subject]contracts.Block{"user:9": {}}},
		"a later revision":  {Revision: 99, Blocks: map[contracts.Subject]contracts.Block{"user:9": {}}},
	} {
		t.Run(name, func(t *testing.T) {
			db, rdb := databasetest.Open(t, migrations.Set()), redistest.Open(t)
			block(t, db, "user:7")
			edge := follow(t, rdb)
			must(t, edge.Set(t.Context(), held))
			publish(t, db, follow(t, rdb))
			awaitOnly(t, edge, "user:7")
		})
	}
}

// A change that another replica made, or that was made while Redis was away, is
// told without a word from anybody.
func TestAChangeIsFound(t *testing.T) {
	db, mini := databasetest.Open(t, migrations.Set()), redistest.Mini(t)
	rdb := redistest.Dial(t, mini.Addr())
	publish(t, db, follow(t, rdb))
	edge := follow(t, rdb)
	awaitOnly(t, edge)
	block(t, db, "user:7")
	awaitOnly(t, edge, "user:7")
	mini.Close()
	block(t, db, "user:8")
	must(t, mini.Restart())
	awaitOnly(t, edge, "user:7", "user:8")
}
