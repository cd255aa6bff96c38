package cache

import (
	"context"
	"sync"
)

// flight is what this process does to get the value of one key: a lookup in L2
// by the caller who begins it, then, on a goroutine of its own, a load. The
// callers whom memory does not serve while it is under way share it.
type flight[T any] struct {
	key string

	// Only the goroutine whose turn it is changes these, under flights.mu.
	stage int  // how many exchanges with L2 have begun
	alone bool // L2 could not be asked, and the load is about to begin

	late *look[T] // of those who boarded too late; under flights.mu

	// Only that goroutine touches these before the flight has ended.
	gen    generation
	hold   string // the mark that L2 must still have for the answer to go there; "" for nowhere
	leased bool   // hold is a lease of our own
	hit    bool   // L2 had the answer when it was first asked
	got    answer[T]
	err    error
	valid  int // the answer is for those who boarded before this stage
	over   bool

	ended bool          // under flights.mu
	done  chan struct{} // closed then; nil before somebody waits; under flights.mu
}

// lease notes that L2 holds our placeholder with this token.
func (f *flight[T]) lease(token string) { f.hold, f.leased = placeholder(token), true }

func (f *flight[T]) land(got answer[T], valid int) { f.got, f.valid, f.over = got, valid, true }

func (f *flight[T]) fail(err error) { f.err, f.over = err, true }

// flights are those under way in this process, by key.
type flights[T any] struct {
	mu     sync.Mutex
	flying map[string]*flight[T]
}

// ticket is a caller's place in a flight.
type ticket[T any] struct {
	*flight[T]
	boarded int // flight.stage then
}

// join returns a place in the flight of a key; lead says that it is a new one,
// which the caller has to fly. Unless he is refused, so that he cannot ask Redis
// and knows of no invalidation elsewhere, he does not join a flight that could
// not either.
func (fs *flights[T]) join(key string, refused bool) (t ticket[T], lead bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.flying[key]
	if lead = f == nil || f.alone && !refused; lead {
		f = &flight[T]{key: key}
		fs.flying[key] = f
	}
	return ticket[T]{flight: f, boarded: f.stage}, lead
}

// again returns the look of those who were late for f; lead says that it is a
// new one, which the caller has to take.
func (fs *flights[T]) again(f *flight[T]) (l *look[T], lead bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if lead = f.late == nil; lead {
		f.late = &look[T]{key: f.key, done: make(chan struct{})}
	}
	return f.late, lead
}

// advance notes that L2 is about to be asked or told about the keys of list:
// whoever joins from now on may know of an invalidation that this exchange
// does not.
func (fs *flights[T]) advance(list []*flight[T]) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range list {
		f.stage++
	}
}

// isolate notes that the load of f begins without L2.
func (fs *flights[T]) isolate(f *flight[T]) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.alone = true
}

// forget lets nobody join the flight of key any more.
func (fs *flights[T]) forget(key string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	delete(fs.flying, key)
}

// forgetAll lets nobody join any flight that is under way.
func (fs *flights[T]) forgetAll() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	clear(fs.flying)
}

// finish ends those flights of list that are over, and returns the others.
func (fs *flights[T]) finish(list []*flight[T]) (rest []*flight[T]) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range list {
		if !f.over {
			rest = append(rest, f)
			continue
		}
		if fs.flying[f.key] == f {
			delete(fs.flying, f.key)
		}
		if f.ended = true; f.done != nil {
			close(f.done)
		}
	}
	return rest
}

// wait returns when f has ended, or with the cause of ctx's end.
func (fs *flights[T]) wait(ctx context.Context, f *flight[T]) error {
	done := fs.landing(f)
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// landing returns what is closed when f ends, or nil when it has. Most flights
// end in the hands of their only caller, who waits for nothing.
func (fs *flights[T]) landing(f *flight[T]) chan struct{} {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.ended {
		return nil
	}
	if f.done == nil {
		f.done = make(chan struct{})
	}
	return f.done
}

// serves says whether the answer may be given to this caller. It is called
// after the flight's end. Who is in a flight that could not ask L2 boarded before
// its load began or could not ask L2 either: then neither knows of an
// invalidation elsewhere.
func (t ticket[T]) serves() bool { return t.boarded < t.valid || t.alone }
