package herald_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/services/order/internal/herald"
	"souk.example/services/order/internal/order"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// moved is a commit that moved these orders, all of user 7's.
func moved(ids ...order.ID) (orders []*order.State) {
	for _, id := range ids {
		orders = append(orders, &order.State{ID: id, Key: order.Key{User: 7}})
	}
	return orders
}

// listen returns what is said from now on.
func listen(t *testing.T, rdb *redisclient.Client) (heard func() []contracts.Moved) {
	t.Helper()
	hints := rdb.Read().Subscribe(t.Context(), contracts.MovedChannel)
	t.Cleanup(func() { _ = hints.Close() })
	if _, err := hints.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	return func() []contracts.Moved {
		t.Helper()
		hint, err := hints.ReceiveMessage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		orders, err := contracts.DecodeMoved([]byte(hint.Payload))
		if err != nil {
			t.Fatal(err)
		}
		return orders
	}
}

func run(t *testing.T, h *herald.Herald) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestCommitsThatWaitShareAHint(t *testing.T) {
	rdb := redistest.Open(t)
	h := herald.New(rdb, slog.New(slog.DiscardHandler))
	h.Moved(moved(1, 2))
	h.Moved(moved(3))
	heard := listen(t, rdb)
	run(t, h)
	if got, want := heard(), []contracts.Moved{{UserID: 7, OrderID: 1}, {UserID: 7, OrderID: 2}, {UserID: 7, OrderID: 3}}; !slices.Equal(got, want) {
		t.Errorf("heard %v", got)
	}
	h.Moved(moved(4))
	if got := heard(); len(got) != 1 || got[0].OrderID != 4 {
		t.Errorf("then %v", got)
	}
}

// log is a buffer that may be read while it is written.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// Redis that is away stops nobody: what is moved meanwhile is not told, what moves
// after is.
func TestWithoutRedisNobodyWaits(t *testing.T) {
	mini, lines := redistest.Mini(t), &log{}
	rdb := redistest.DialHasty(t, mini.Addr())
	h := herald.New(rdb, slog.New(slog.NewTextHandler(lines, nil)))
	mini.Close()
	for range 10_000 {
		h.Moved(moved(1)) // far more than wait for Redis, and nobody takes them
	}
	run(t, h)
	redistest.Eventually(t, "the outage is told", func() bool { return lines.count("owners hear late") == 1 })
	if err := mini.Restart(); err != nil {
		t.Fatal(err)
	}
	heard := listen(t, rdb)
	redistest.Eventually(t, "the end is told", func() bool {
		h.Moved(moved(2))
		return lines.count("owners hear of their orders again") == 1
	})
	for got := heard(); got[len(got)-1].OrderID != 2; got = heard() {
	}
}
