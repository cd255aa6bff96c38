package lockpeers_test

import (
	"os"
	"testing"
	"time"

	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"

	"souk.example/bench/peers/engine"
)

// redsync's Until reads without a lock what ExtendContext writes, so a holder
// cannot ask how long it still has the lock while a watchdog renews it. Under
// the race detector this test fails by design, so it has to be asked for:
//
//	SOUK_SHOW_RACE=1 CGO_ENABLED=1 GOWORK=off go test -race -run UntilRaces ./lockpeers
func TestUntilRacesWithExtend(t *testing.T) {
	if os.Getenv("SOUK_SHOW_RACE") == "" {
		t.Skip("it fails by design; set SOUK_SHOW_RACE=1")
	}
	r, err := engine.Start(t.Context())
	if err != nil {
		t.Skip(err)
	}
	defer r.Stop()
	m := redsync.New(goredis.NewPool(r.Direct())).NewMutex("work", redsync.WithExpiry(time.Second))
	if err := m.LockContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		for range 100 {
			_, _ = m.ExtendContext(t.Context())
		}
	}()
	for {
		select {
		case <-renewed:
			return
		default:
			_ = m.Until()
		}
	}
}
