package redlock_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/redlock"
)

func newElector(t *testing.T, locker *redlock.Locker, cfg redlock.ElectorConfig) *redlock.Elector {
	t.Helper()
	cfg.Pause = 5 * time.Millisecond
	elector, err := redlock.NewElector(locker, "job", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return elector
}

// Three candidates lead in turn: whoever is stopped hands over to another.
func TestLeadersFollowOneAnother(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, nodes []*redisclient.Client) {
		type elected struct {
			term redlock.Term
			stop context.CancelFunc
		}
		leaders := make(chan elected)
		var candidates sync.WaitGroup
		for range 3 {
			elector := newElector(t, lockerOn(t, nodes, redlock.Config{RetryDelay: 20 * time.Millisecond}), redlock.ElectorConfig{})
			ctx, stop := context.WithCancel(t.Context())
			candidates.Go(func() {
				err := elector.Run(ctx, func(ctx context.Context, term redlock.Term) error {
					leaders <- elected{term, stop}
					<-ctx.Done()
					return ctx.Err()
				})
				if err != nil {
					t.Errorf("a stopped candidate: %v", err)
				}
			})
		}
		var last int64
		for range 3 {
			leader := <-leaders
			if leader.term.Fence <= last {
				t.Errorf("term %d after %d", leader.term.Fence, last)
			}
			last = leader.term.Fence
			leader.stop()
		}
		candidates.Wait()
	})
}

func TestLeaderCampaignsAgainAfterALoss(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	reg := prometheus.NewRegistry()
	var ends []error
	elector := newElector(t, lockerOn(t, []*redisclient.Client{redistest.Dial(t, server.Addr())}, redlock.Config{TTL: 150 * time.Millisecond}),
		redlock.ElectorConfig{Metrics: reg, Resigned: func(_ redlock.Term, cause error) { ends = append(ends, cause) }})
	var terms []redlock.Term
	done := errors.New("done")
	err := elector.Run(t.Context(), func(ctx context.Context, term redlock.Term) error {
		terms = append(terms, term)
		expectLeader(t, reg, "1")
		if len(terms) == 3 {
			return done
		}
		server.Wipe()
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, done) {
		t.Errorf("Run: %v, want what lead returned", err)
	}
	expectLeader(t, reg, "0")
	if len(ends) != 3 || !errors.Is(ends[0], redlock.ErrLost) || !errors.Is(ends[1], redlock.ErrLost) || !errors.Is(ends[2], done) {
		t.Errorf("terms ended by %v", ends)
	}
	if terms[0].Fence >= terms[1].Fence || terms[1].Fence >= terms[2].Fence {
		t.Errorf("terms %v", terms)
	}
}

// A leader whose Redis is away, as it is released too, has lost all the same:
// it campaigns again, whatever its work returned.
func TestLeaderOutlivesRedis(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]func(context.Context) error{
		"nothing": func(context.Context) error { return nil }, "its context's end": context.Context.Err,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			elector := newElector(t, lockerOn(t, []*redisclient.Client{redistest.Dial(t, server.Addr())}, redlock.Config{TTL: 150 * time.Millisecond}), redlock.ElectorConfig{})
			terms, done := 0, errors.New("done")
			err := elector.Run(t.Context(), func(ctx context.Context, _ redlock.Term) error {
				if terms++; terms == 2 {
					return done
				}
				server.Kill()
				<-ctx.Done()
				time.AfterFunc(200*time.Millisecond, server.Restart) // after the release has failed
				return result(ctx)
			})
			if !errors.Is(err, done) || terms != 2 {
				t.Errorf("after %d terms: %v", terms, err)
			}
		})
	}
}

// What lead returns is not the leader's loss, were it the loss of another lock.
func TestAnothersLossEndsTheLeadersRun(t *testing.T) {
	t.Parallel()
	elector := newElector(t, lockerOn(t, []*redisclient.Client{redistest.Open(t)}, redlock.Config{}), redlock.ElectorConfig{})
	terms := 0
	err := elector.Run(t.Context(), func(context.Context, redlock.Term) error {
		if terms++; terms == 3 {
			return nil // Run campaigns again and again
		}
		return fmt.Errorf("write the report: %w", redlock.ErrLost)
	})
	if !errors.Is(err, redlock.ErrLost) || terms != 1 {
		t.Errorf("after %d terms: %v, want what lead returned first", terms, err)
	}
}

func TestDoTellsOfALossWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	locker := lockerOn(t, []*redisclient.Client{redistest.Dial(t, server.Addr())}, redlock.Config{TTL: 150 * time.Millisecond})
	err := locker.Do(t.Context(), "job", func(ctx context.Context) error {
		server.Kill()
		<-ctx.Done()
		return nil
	})
	if !errors.Is(err, redlock.ErrLost) {
		t.Errorf("Do: %v, want ErrLost", err)
	}
}

func expectLeader(t *testing.T, reg *prometheus.Registry, value string) {
	t.Helper()
	want := "# HELP souk_elector_leader 1 while this process leads.\n# TYPE souk_elector_leader gauge\n" +
		`souk_elector_leader{name="job"} ` + value + "\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "souk_elector_leader"); err != nil {
		t.Error(err)
	}
}

func TestCandidateOutlivesRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	elector := newElector(t, lockerOn(t, []*redisclient.Client{redistest.Dial(t, server.Addr())}, redlock.Config{}), redlock.ElectorConfig{})
	server.Kill()
	led := make(chan error)
	go func() {
		led <- elector.Run(t.Context(), func(context.Context, redlock.Term) error { return nil })
	}()
	server.Restart()
	if err := <-led; err != nil {
		t.Error(err)
	}
}

// However many campaigns fail, the log has one line for it and one for its end,
// which a candidate sees though another leads.
func TestElectorLogsAnOutageOnce(t *testing.T) {
	t.Parallel()
	server, reg := redistest.Start(t), prometheus.NewRegistry()
	rdb := redistest.Dial(t, server.Addr())
	locker, err := redlock.New(rdb, redlock.Config{}, redlock.WithMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locker.Close)
	log := make(lines, 100)
	elector := newElector(t, locker, redlock.ElectorConfig{Log: slog.New(slog.NewTextHandler(log, nil))})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	server.Kill()
	go func() {
		done <- elector.Run(ctx, func(context.Context, redlock.Term) error { return nil })
	}()
	redistest.Eventually(t, "several campaigns have failed", func() bool { return failures(t, reg) >= 5 })
	log.expect(t, "leadership is undecided")
	server.Restart()
	if err := rdb.Write().SetNX(t.Context(), "souk:lock:{job}", "another", 0).Err(); err != nil {
		t.Fatal(err)
	}
	log.expect(t, "leadership can be decided again")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// failures is how many attempts failed because of Redis.
func failures(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "souk_lock_failed_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}

// lines is a log.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// expect expects the next line to say what.
func (l lines) expect(t *testing.T, what string) {
	t.Helper()
	if got := <-l; !strings.Contains(got, what) {
		t.Errorf("the log says %q, want %q", got, what)
	}
}

func TestElectorRefuses(t *testing.T) {
	t.Parallel()
	locker := lockerOn(t, []*redisclient.Client{redistest.Open(t)}, redlock.Config{})
	if _, err := redlock.NewElector(locker, "", redlock.ElectorConfig{}); !errors.Is(err, redlock.ErrName) {
		t.Errorf("no name: %v", err)
	}
	if _, err := redlock.NewElector(locker, "job", redlock.ElectorConfig{Pause: -1}); !errors.Is(err, redlock.ErrConfig) {
		t.Errorf("a negative pause: %v", err)
	}
	if _, err := redlock.NewElector(nil, "job", redlock.ElectorConfig{}); !errors.Is(err, redlock.ErrConfig) {
		t.Errorf("no locker: %v", err)
	}
	elector := newElector(t, locker, redlock.ElectorConfig{})
	if err := elector.Run(t.Context(), nil); !errors.Is(err, redlock.ErrLead) {
		t.Errorf("nothing to lead: %v", err)
	}
	err := locker.Do(t.Context(), "job", func(ctx context.Context) error {
		return elector.Run(ctx, func(context.Context, redlock.Term) error { return nil })
	})
	if !errors.Is(err, redlock.ErrReentrant) {
		t.Errorf("within the lock: %v", err)
	}
}
