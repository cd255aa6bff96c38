package cachepeers

import (
	"context"
	"fmt"
	"time"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// staleSet: read old, then write and invalidate, then let the fill arrive.
func staleSet(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	stores, done, err := open(ctx, lib, r.Addr(), 2)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer done()
	src, reading, gate := newSource("old"), make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		_, err := stores[0].get(ctx, "a", src.held(reading, gate))
		first <- err
	}()
	<-reading
	src.set("new")
	if err := stores[0].drop(ctx, "a"); err != nil {
		return compare.Outcome{}, fmt.Errorf("invalidate: %w", err)
	}
	close(gate)
	if err := <-first; err != nil {
		return compare.Outcome{}, fmt.Errorf("the slow reader: %w", err)
	}
	time.Sleep(settle)
	return readBoth(ctx, stores, src)
}

// readBoth reads as the process that loaded and as another one.
func readBoth(ctx context.Context, stores []store, src *source) (compare.Outcome, error) {
	here, err := stores[0].get(ctx, "a", src.load)
	if err != nil {
		return compare.Outcome{}, err
	}
	there, err := stores[1].get(ctx, "a", src.load)
	if err != nil {
		return compare.Outcome{}, err
	}
	return compare.Outcome{
		Hole: here.Name != "new" || there.Name != "new",
		Seen: fmt.Sprintf("%s here, %s in another process", here.Name, there.Name),
	}, nil
}

// noticeWait bounds how long a probe waits for a process to notice.
const noticeWait = 5 * time.Second

func lostByCut(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	return lost(ctx, r, lib, (*engine.Proxy).Cut)
}

func lostInHole(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	return lost(ctx, r, lib, (*engine.Proxy).Swallow)
}

// lost has one process hold a key in memory and breaks its connection while
// another invalidates the key.
func lost(ctx context.Context, r *engine.Redis, lib library, breakIt func(*engine.Proxy)) (compare.Outcome, error) {
	proxy, err := engine.NewProxy(r.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer proxy.Close()
	holder, closeHolder, err := open(ctx, lib, proxy.Addr(), 1)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer closeHolder()
	writer, closeWriter, err := open(ctx, lib, r.Addr(), 1)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer closeWriter()
	src := newSource("old")
	if err := warm(ctx, holder[0], src); err != nil {
		return compare.Outcome{}, err
	}
	breakIt(proxy)
	src.set("new")
	if err := writer[0].drop(ctx, "a"); err != nil {
		return compare.Outcome{}, fmt.Errorf("invalidate: %w", err)
	}
	return untilFresh(ctx, holder[0], src), nil
}

// warm has the store hold the key in memory. It waits for subscriptions to
// stand first, since souk drops its memory when one begins.
func warm(ctx context.Context, s store, src *source) error {
	time.Sleep(settle)
	for range 3 {
		if _, err := s.get(ctx, "a", src.load); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}
	return nil
}

// untilFresh reads until the new value is served.
func untilFresh(ctx context.Context, s store, src *source) compare.Outcome {
	begin := time.Now()
	for time.Since(begin) < noticeWait {
		readCtx, cancel := context.WithTimeout(ctx, noticeWait)
		p, err := s.get(readCtx, "a", src.load)
		cancel()
		if err == nil && p.Name == "new" {
			return compare.Outcome{Seen: fmt.Sprintf("new after %v", time.Since(begin).Round(10*time.Millisecond))}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return compare.Outcome{Hole: true, Seen: fmt.Sprintf("still old after %v", noticeWait)}
}
