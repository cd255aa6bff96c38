package fxrun_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/goleak"

	"souk.example/internal/fxrun"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary notes who stopped when.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

type runner struct {
	name  string
	diary *diary
	fail  error         // returned at once
	port  error         // returned by Listen
	until chan struct{} // when set, what Run waits for instead of its context
}

func (r runner) Run(ctx context.Context) error {
	if r.fail != nil {
		return r.fail
	}
	if r.until != nil {
		<-r.until
		return nil
	}
	<-ctx.Done()
	r.diary.note(r.name)
	return nil
}

type (
	relay    struct{ runner }
	intake   struct{ runner }
	consumer struct{ runner }
	server   struct{ runner }
)

func (s server) Listen() error { return s.port }

func app(relayRuns, consumerRuns, serverRuns runner) *fx.App {
	intakeRuns := runner{name: "intake", diary: relayRuns.diary}
	return fxrun.New(fx.Options(
		fx.Supply(slog.New(slog.DiscardHandler), relay{relayRuns}, intake{intakeRuns}, consumer{consumerRuns}, server{serverRuns}),
		fxrun.Server[server](), fxrun.Worker[relay](), fxrun.Intake[intake](), fxrun.Consumer[consumer](),
		fxrun.Supervise(),
	))
}

func TestServersStopFirstAndWorkersLast(t *testing.T) {
	d := &diary{}
	a := app(runner{name: "relay", diary: d}, runner{name: "consumer", diary: d}, runner{name: "server", diary: d})
	if err := errors.Join(a.Start(t.Context()), a.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
	if want := []string{"server", "consumer", "intake", "relay"}; !slices.Equal(d.lines, want) {
		t.Errorf("stopped %v, want %v", d.lines, want)
	}
}

func TestARunnerThatFailsStopsTheApplication(t *testing.T) {
	d := &diary{}
	a := app(runner{name: "relay", diary: d}, runner{fail: errors.New("broken")}, runner{name: "server", diary: d})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if signal := <-a.Wait(); signal.ExitCode != 1 {
		t.Errorf("exit code %d, want 1", signal.ExitCode)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestATakenPortFailsTheStartAndLeavesNothingRunning(t *testing.T) {
	d := &diary{}
	taken := errors.New("address in use")
	a := app(runner{name: "relay", diary: d}, runner{name: "consumer", diary: d}, runner{name: "server", diary: d, port: taken})
	if err := a.Start(t.Context()); !errors.Is(err, taken) {
		t.Fatalf("start answered %v, want %v", err, taken)
	}
	if want := []string{"consumer", "intake", "relay"}; !slices.Equal(d.lines, want) {
		t.Errorf("stopped %v, want %v", d.lines, want)
	}
}

// A stage that does not end is left behind; those after it still get their turn
// and their time.
func TestALateStageKeepsNobodyFromStopping(t *testing.T) {
	d, release := &diary{}, make(chan struct{})
	defer close(release)
	a := app(runner{name: "relay", diary: d}, runner{name: "consumer", diary: d}, runner{until: release})
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 800*time.Millisecond)
	defer cancel()
	if err := a.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stop answered %v, want the late stage's error", err)
	}
	if ctx.Err() != nil {
		t.Error("the late stage took all the time")
	}
	if want := []string{"consumer", "intake", "relay"}; !slices.Equal(d.lines, want) {
		t.Errorf("stopped %v, want %v", d.lines, want)
	}
}
