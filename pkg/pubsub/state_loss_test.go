package pubsub_test

import (
	"testing"
	"time"

	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
)

// unhurried nodes do not give a lost value back before a test's next line.
var unhurried = pubsub.StateConfig[flags]{Check: 400 * time.Millisecond}

// add turns a flag on.
func add(t testing.TB, s *pubsub.State[flags], flag string) {
	t.Helper()
	err := s.Update(t.Context(), func(f flags) (flags, error) {
		if f == nil {
			f = flags{}
		}
		f[flag] = true
		return f, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newcomer is a process that knows nothing yet.
func newcomer(t testing.TB, rdb *redisclient.Client) *pubsub.State[flags] {
	t.Helper()
	s, err := pubsub.NewState(newBus(t, rdb), "flags", unhurried)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A process that knows nothing changes a state that Redis has lost: it changes
// what the others know.
func TestAnUpdateByANewcomerKeepsWhatRedisLost(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	nodes := []*node{startNode(t, rdb, unhurried), startNode(t, rdb, unhurried)}
	nodes[0].set(t, flags{"a": true, "b": true})
	redistest.Eventually(t, "both know it", nodes[1].holds(flags{"a": true, "b": true}))
	rdb.Write().FlushAll(t.Context())
	add(t, newcomer(t, rdb), "c")
	for _, n := range nodes {
		redistest.Eventually(t, "nothing is lost", n.holds(flags{"a": true, "b": true, "c": true}))
	}
}

// A process that knows an older value gives that back and changes it: it
// changes the newest that anybody knows.
func TestAnUpdateByALaggardKeepsWhatRedisLost(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	lagging, other := startNode(t, rdb, unhurried), startNode(t, rdb, unhurried)
	lagging.set(t, flags{"a": true})
	lagging.stop()
	redistest.Eventually(t, "the other knows the first", other.holds(flags{"a": true}))
	add(t, other.State, "b")
	rdb.Write().FlushAll(t.Context())
	add(t, lagging.State, "c")
	redistest.Eventually(t, "nothing is lost", other.holds(flags{"a": true, "b": true, "c": true}))
}

// A Redis that was restarted with an older memory is known by its run id.
func TestAnUpdateKeepsWhatARestartedRedisLost(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	if rdb.Write().Info(t.Context(), "server").Err() != nil {
		t.Skip("a miniredis has no run id")
	}
	n := startNode(t, rdb, unhurried)
	n.set(t, flags{"a": true})
	older := rdb.Read().HGetAll(t.Context(), flagsKey).Val()
	older["server"] = "0123" // the run before
	n.set(t, flags{"a": true, "b": true})
	rdb.Write().HSet(t.Context(), flagsKey, older)
	add(t, newcomer(t, rdb), "c")
	redistest.Eventually(t, "nothing is lost", n.holds(flags{"a": true, "b": true, "c": true}))
}

// Whoever is busy with a new value gives it back all the same when Redis loses it.
func TestWhoIsBusyInOnChangeGivesBackWhatRedisLost(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	busy, gate := make(chan flags, 10), make(chan struct{})
	cfg := unhurried
	cfg.OnChange = func(f flags) { busy <- f; <-gate }
	knows, setter := startNode(t, rdb, cfg), startNode(t, rdb, unhurried)
	defer close(gate)
	setter.set(t, flags{"a": true})
	<-busy
	setter.stop()
	rdb.Write().FlushAll(t.Context())
	add(t, newcomer(t, rdb), "c")
	redistest.Eventually(t, "nothing is lost", knows.holds(flags{"a": true, "c": true}))
}

// OnChange hears of the last of the values that came while it was busy.
func TestOnChangeHearsOfTheLastOfMany(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	heard, gate := make(chan int, 10), make(chan struct{})
	cfg := quick
	cfg.OnChange = func(f flags) { heard <- len(f); <-gate }
	a := startNode(t, rdb, cfg)
	for _, f := range []flags{{}, {"a": true}, {"a": true, "b": true}} {
		a.set(t, f)
	}
	close(gate)
	last := 0
	for last != 2 {
		last = <-heard
	}
	if n := len(heard); n != 0 {
		t.Errorf("heard %d times more", n)
	}
}

// An Update that waits for what was lost does not try it over and over.
func TestAnUpdateThatWaitsIsNotRepeatedlyTried(t *testing.T) {
	t.Parallel()
	tries := 0
	err := newcomer(t, redistest.Open(t)).Update(t.Context(), func(flags) (flags, error) {
		tries++
		return flags{"a": true}, nil
	})
	if err != nil || tries > 4 { // at once, after a Check, after two, and a moment later
		t.Errorf("tried %d times: %v", tries, err)
	}
}

// A Set replaces what was lost, so nobody waits for that.
func TestASetEndsTheWait(t *testing.T) {
	t.Parallel()
	rdb := redistest.Open(t)
	patient := pubsub.StateConfig[flags]{Check: time.Hour}
	a := startNode(t, rdb, patient)
	a.set(t, flags{"a": true})
	add(t, a.State, "b")
	if !a.holds(flags{"a": true, "b": true})() {
		t.Error("the update is not in force")
	}
}
