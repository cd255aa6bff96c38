package stockgate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/internal/stockgate"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// firstOrder is as large as an id is: too large for a number in Lua.
const firstOrder = int64(1_934_567_890_123_456_789)

// gates are Gates with what tests do to them.
type gates struct {
	*stockgate.Gates
	t     testing.TB
	count int64
}

func open(t testing.TB, rdb *redisclient.Client) *gates {
	t.Helper()
	g, err := stockgate.New(rdb)
	if err != nil {
		t.Fatal(err)
	}
	return &gates{Gates: g, t: t}
}

// publish overwrites the gates; they count for an hour, so that a machine that
// stands still for a while does not open them.
func (g *gates) publish(decided []stockgate.Hold, shelf ...stockgate.Gate) {
	g.t.Helper()
	g.count++
	sheet := stockgate.Sheet{Version: stockgate.Version{Fence: 7, Count: g.count}, Begun: time.Now().Add(time.Hour), Decided: decided, Gates: shelf}
	if err := g.Publish(g.t.Context(), sheet); err != nil {
		g.t.Fatal(err)
	}
}

// ask is user's order n of so many units of each SKU.
func ask(n int, units int64, skus ...string) stockgate.Ask {
	a := stockgate.Ask{User: int64(n), Key: "key", Order: firstOrder + int64(n)}
	for _, sku := range skus {
		a.Lines = append(a.Lines, stockgate.Line{SKU: sku, Units: units})
	}
	return a
}

func (g *gates) admit(asks ...stockgate.Ask) []stockgate.Answer {
	g.t.Helper()
	answers, err := g.Admit(g.t.Context(), asks)
	if err != nil {
		g.t.Fatal(err)
	}
	return answers
}

var (
	pass    = stockgate.Answer{}
	held    = stockgate.Answer{Verdict: stockgate.Held}
	wait    = stockgate.Answer{Verdict: stockgate.Wait}
	soldOut = stockgate.Answer{Verdict: stockgate.SoldOut}
)

func (g *gates) want(asks []stockgate.Ask, want ...stockgate.Answer) {
	g.t.Helper()
	if got := g.admit(asks...); !slices.Equal(got, want) {
		g.t.Errorf("answered %v, want %v", got, want)
	}
}

func asks(as ...stockgate.Ask) []stockgate.Ask { return as }

// Of one batch each finds what those before it took; an order of several SKUs
// takes all of them or none; and what has no gate is nobody's concern.
func TestAdmit(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		g := open(t, rdb)
		g.want(asks(ask(1, 1, "TEA")), pass) // nothing is published
		g.publish(nil, stockgate.Gate{SKU: "TEA", Available: 3}, stockgate.Gate{SKU: "CUP", Available: 1}, stockgate.Gate{SKU: "INK"})
		g.want(asks(
			ask(1, 2, "TEA"),        // 1 left
			ask(2, 1, "TEA", "INK"), // refused for ink, so it takes no tea
			ask(3, 1, "PLENTY", "TEA", "CUP"),
			ask(4, 1, "PLENTY"),
			ask(1, 2, "TEA"), // again, though nothing is left
			ask(5, 1, "CUP", "INK"),
			ask(6, 9, "INK"),
			anotherOf(ask(1, 1, "CUP")), // which takes no hold of its own
		), held, stockgate.Answer{Verdict: stockgate.SoldOut, Line: 1}, held, held, held, wait, soldOut, pass)
		g.want(asks(ask(7, 1, "TEA"), ask(3, 1, "TEA")), wait, held)
	})
}

// anotherOf is another order of the same key.
func anotherOf(a stockgate.Ask) stockgate.Ask {
	a.Order += 1_000_000
	return a
}

// As long as SQL has the units on offer nobody is told that they are sold: of
// the orders that hold them perhaps none comes about.
func TestHoldsAloneSellNothingOut(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		g := open(t, rdb)
		g.publish(nil, stockgate.Gate{SKU: "TEA", Available: 2})
		g.want(asks(ask(1, 2, "TEA"), ask(2, 2, "TEA"), ask(3, 1, "TEA"), ask(4, 3, "TEA")), held, wait, wait, soldOut)
		g.want(asks(ask(5, 1, "TEA"), ask(6, 1, "TEA"), ask(7, 2, "TEA")), wait, wait, wait)
		g.withdraw(ask(1, 2, "TEA"))
		g.want(asks(ask(7, 2, "TEA")), held)
		g.publish(g.holdsOf(7), stockgate.Gate{SKU: "TEA"}) // SQL has sold them
		g.want(asks(ask(5, 1, "TEA")), soldOut)
	})
}

// What was admitted counts until SQL has decided about it, and then SQL's figure
// does, never both.
func TestPublicationsTakeTheHoldsOver(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		g := open(t, rdb)
		g.publish(nil, stockgate.Gate{SKU: "TEA", Available: 2})
		g.want(asks(ask(1, 1, "TEA"), ask(2, 1, "TEA"), ask(3, 1, "TEA")), held, held, wait)
		g.publish(nil, stockgate.Gate{SKU: "TEA", Available: 2})
		g.want(asks(ask(4, 1, "TEA")), wait)
		g.publish(g.holdsOf(1), stockgate.Gate{SKU: "TEA", Available: 1, Reserved: 1})
		g.want(asks(ask(5, 5, "TEA")), soldOut)
		g.publish(g.holdsOf(2), stockgate.Gate{SKU: "TEA", Available: 1, Reserved: 1}) // the second was refused
		g.want(asks(ask(6, 1, "TEA"), ask(3, 1, "TEA")), held, wait)
		g.publish(g.holdsOf(6), stockgate.Gate{SKU: "CUP", Available: 1})
		g.want(asks(ask(8, 1, "TEA")), held) // tea has a gate no more
		if holds := g.holdsOf(8); len(holds) != 1 {
			t.Errorf("%d holds of order 8, want 1", len(holds))
		}
	})
}

// holdsOf are the holds of user n's order.
func (g *gates) holdsOf(n int) []stockgate.Hold {
	g.t.Helper()
	holds, err := g.Holds(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	return slices.DeleteFunc(holds, func(h stockgate.Hold) bool { return h.Order != firstOrder+int64(n) })
}

// A publisher that was replaced does not know so, and publishes once more.
func TestALaterVersionStays(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		g := open(t, rdb)
		sheet := func(fence, count, units int64) stockgate.Sheet {
			return stockgate.Sheet{
				Version: stockgate.Version{Fence: fence, Count: count}, Begun: time.Now().Add(time.Hour),
				Gates: []stockgate.Gate{{SKU: "TEA", Available: units}},
			}
		}
		const fence = 1_790_000_000_000_000 // µs
		for _, s := range []struct {
			stockgate.Sheet
			want error
		}{
			{sheet(fence, 9, 5), nil}, {sheet(fence-1, 10, 1), stockgate.ErrOutdated}, {sheet(fence, 8, 1), stockgate.ErrOutdated},
			{sheet(fence, 10, 4), nil}, {sheet(fence+1, 0, 0), nil}, {sheet(fence, 11, 1), stockgate.ErrOutdated},
		} {
			if err := g.Publish(t.Context(), s.Sheet); !errors.Is(err, s.want) {
				t.Errorf("version %s: %v, want %v", s.Version, err, s.want)
			}
		}
		g.want(asks(ask(1, 1, "TEA")), soldOut)
		stale := sheet(fence+2, 0, 0)
		stale.Begun = time.Now().Add(-stockgate.MaxAge)
		if err := g.Publish(t.Context(), stale); err == nil {
			t.Error("published a look at the stock that is too old")
		}
	})
}

func TestWithdraw(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		g := open(t, rdb)
		g.publish(nil, stockgate.Gate{SKU: "TEA", Available: 2}, stockgate.Gate{SKU: "CUP", Available: 2})
		mine := ask(1, 2, "TEA", "CUP")
		another := anotherOf(mine)
		g.want(asks(mine, another), held, pass)
		g.withdraw(another, ask(9, 1, "TEA")) // neither holds anything
		g.want(asks(ask(2, 1, "TEA")), wait)
		g.withdraw(mine)
		g.withdraw(mine) // there is nothing to withdraw any more
		g.want(asks(ask(2, 2, "TEA"), ask(3, 2, "CUP"), ask(4, 1, "TEA"), ask(5, 1, "CUP")), held, held, wait, wait)
	})
}

func (g *gates) withdraw(asks ...stockgate.Ask) {
	g.t.Helper()
	if err := g.Withdraw(g.t.Context(), asks); err != nil {
		g.t.Fatal(err)
	}
}

// As many may wait as there are units that can come back; who waits keeps his
// place, and nobody waits for what is sold.
func TestTheWaitingRoomIsBounded(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		g := open(t, rdb)
		g.publish(nil, stockgate.Gate{SKU: "TEA", Reserved: 2})
		g.want(asks(ask(2, 1, "TEA"), ask(3, 1, "TEA"), ask(4, 1, "TEA"), ask(2, 1, "TEA")), wait, wait, soldOut, wait)
		g.publish(nil, stockgate.Gate{SKU: "TEA", Available: 1, Reserved: 1}) // one came back
		g.want(asks(ask(3, 1, "TEA"), ask(2, 1, "TEA")), held, wait)
		g.publish(g.holdsOf(3), stockgate.Gate{SKU: "TEA"}) // both are sold
		g.want(asks(ask(2, 1, "TEA")), soldOut)
	})
}

// However many replicas ask at once, exactly as many holds are taken as there
// are units.
func TestReplicasShareTheUnits(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		const buyers, units = 300, 17
		replicas := []*gates{open(t, rdb), open(t, rdb)}
		replicas[0].publish(nil, stockgate.Gate{SKU: "TEA", Available: units})
		var taken atomic.Int64
		var wg sync.WaitGroup
		for i := range buyers / 3 {
			wg.Go(func() {
				for _, a := range replicas[i%2].admit(ask(3*i, 1, "TEA"), ask(3*i+1, 1, "TEA"), ask(3*i+2, 1, "TEA")) {
					if a == held {
						taken.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if taken.Load() != units {
			t.Errorf("%d holds of %d units", taken.Load(), units)
		}
	})
}

// Gates that nobody publishes any more refuse nobody.
func TestOldGatesLetEverybodyPass(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	now := time.Now()
	mini.SetTime(now)
	g := open(t, redistest.Dial(t, mini.Addr()))
	g.publish(nil, stockgate.Gate{SKU: "TEA"}) // for an hour, and what a gate counts for
	mini.SetTime(now.Add(time.Hour))
	g.want(asks(ask(1, 1, "TEA")), soldOut)
	mini.SetTime(now.Add(time.Hour + stockgate.MaxAge + time.Millisecond))
	g.want(asks(ask(1, 1, "TEA")), pass)
}

// A hold that nobody ended ends by itself.
func TestAForgottenHoldEnds(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	now := time.Now()
	g := open(t, redistest.Dial(t, mini.Addr()))
	for i, after := range []time.Duration{0, stockgate.HoldFor - time.Second} {
		mini.SetTime(now.Add(after))
		g.publish(nil, stockgate.Gate{SKU: "TEA", Available: 1})
		g.want(asks(ask(10*i+1, 1, "TEA"), ask(10*i+2, 1, "TEA")), []stockgate.Answer{held, wait}[i], wait)
	}
	mini.SetTime(now.Add(stockgate.HoldFor + time.Second))
	g.publish(nil, stockgate.Gate{SKU: "TEA", Available: 1})
	g.want(asks(ask(20, 1, "TEA")), held)
}

// Whoever leaves the waiting room leaves his place to another.
func TestAPlaceIsLostInTime(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	now := time.Now()
	mini.SetTime(now)
	g := open(t, redistest.Dial(t, mini.Addr()))
	g.publish(nil, stockgate.Gate{SKU: "TEA", Reserved: 1})
	g.want(asks(ask(1, 1, "TEA"), ask(2, 1, "TEA")), wait, soldOut)
	mini.SetTime(now.Add(stockgate.StayFor + time.Millisecond))
	g.want(asks(ask(2, 1, "TEA"), ask(1, 1, "TEA")), wait, soldOut)
}

// More holds than a publication should read are none: everybody passes.
func TestTooManyHoldsLetEverybodyPass(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		g := open(t, rdb)
		g.publish(nil, stockgate.Gate{SKU: "TEA"})
		g.want(asks(ask(1, 1, "TEA")), soldOut)
		crowd := make([]any, 0, 2*stockgate.MaxHolds)
		for i := range stockgate.MaxHolds {
			crowd = append(crowd, fmt.Sprint(i), "9999999999999 1 1 CUP")
		}
		if err := rdb.Write().HSet(t.Context(), "souk:gate:{stock}:holds", crowd...).Err(); err != nil {
			t.Fatal(err)
		}
		g.want(asks(ask(1, 1, "TEA")), pass)
	})
}

func TestOpen(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, rdb *redisclient.Client) {
		g := open(t, rdb)
		g.publish(nil, stockgate.Gate{SKU: "TEA"}, stockgate.Gate{SKU: "CUP"})
		g.publish(nil, stockgate.Gate{SKU: "INK"}, stockgate.Gate{SKU: "TEA", Available: 5})
		skus, err := g.Open(t.Context())
		slices.Sort(skus)
		if err != nil || !slices.Equal(skus, []string{"INK", "TEA"}) {
			t.Errorf("gates of %v, %v", skus, err)
		}
	})
}

// Without Redis there are errors, for others to decide what they mean.
func TestWithoutRedis(t *testing.T) {
	t.Parallel()
	mini := redistest.Mini(t)
	g := open(t, redistest.Dial(t, mini.Addr()))
	mini.Close()
	_, opened := g.Open(t.Context())
	_, admitted := g.Admit(t.Context(), asks(ask(1, 1, "TEA")))
	_, listed := g.Holds(t.Context())
	for what, err := range map[string]error{
		"open": opened, "admit": admitted, "holds": listed, "withdraw": g.Withdraw(context.Background(), asks(ask(1, 1, "TEA"))),
		"publish": g.Publish(t.Context(), stockgate.Sheet{Begun: time.Now().Add(time.Hour)}),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
