package cache

import "sync"

// flight is one load of one key by this process. The callers who miss while
// it is under way share it.
type flight[T any] struct {
	key string

	// stage counts the exchanges with L2 that have begun. Only the goroutine
	// that flies this moves it, under flights.mu.
	stage int

	// Only that goroutine touches these before done is closed.
	gen    generation
	hold   string // the mark that L2 must still have for the answer to go there; "" for nowhere
	leased bool   // hold is a lease of our own
	alone  bool   // L2 could not be asked
	got    answer[T]
	err    error
	valid  int // the answer is for those who boarded before this stage
	over   bool
	done   chan struct{}
}

// lease notes that L2 holds our placeholder with this token.
func (f *flight[T]) lease(token string) { f.hold, f.leased = placeholder(token), true }

func (f *flight[T]) land(got answer[T], valid int) { f.got, f.valid, f.over = got, valid, true }

func (f *flight[T]) fail(err error) { f.err, f.over = err, true }

// flights are the loads under way in this process, by key.
type flights[T any] struct {
	mu     sync.Mutex
	flying map[string]*flight[T]
}

// missing is a key for which a caller got no value from L2.
type missing struct {
	key     string
	refused bool // L2 could not be asked, so the caller knows of no invalidation elsewhere
}

// ticket is a caller's place in a flight.
type ticket[T any] struct {
	*flight[T]
	boarded int // flight.stage then
	refused bool
}

// join returns a place in the flight of a key; lead says that it is a new one,
// which the caller has to fly.
func (fs *flights[T]) join(m missing) (t ticket[T], lead bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, flying := fs.flying[m.key]
	if !flying {
		f = &flight[T]{key: m.key, done: make(chan struct{})}
		fs.flying[m.key] = f
	}
	return ticket[T]{flight: f, boarded: f.stage, refused: m.refused}, !flying
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

// end wakes those who wait for f.
func (fs *flights[T]) end(f *flight[T]) {
	fs.mu.Lock()
	if fs.flying[f.key] == f {
		delete(fs.flying, f.key)
	}
	fs.mu.Unlock()
	close(f.done)
}

// serves says whether the answer may be given to this caller. It is called
// after done was closed. Whoever could not ask L2 shares with a flight that
// could not either, however late: neither knows of an invalidation elsewhere.
func (t ticket[T]) serves() bool { return t.boarded < t.valid || t.refused && t.alone }
