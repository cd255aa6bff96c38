package compare_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

func saw(hole bool, seen string) func(context.Context, *engine.Redis) (compare.Outcome, error) {
	return func(context.Context, *engine.Redis) (compare.Outcome, error) {
		return compare.Outcome{Hole: hole, Seen: seen}, nil
	}
}

// values makes a case whose samples are those, one after the other.
func values(name string, ours bool, samples ...float64) compare.Case {
	return compare.Case{Name: name, Ours: ours, Open: func(context.Context, *engine.Redis) (compare.Sample, func(), error) {
		next := 0
		return func(context.Context) ([]float64, error) {
			next++
			return []float64{samples[next-1]}, nil
		}, func() {}, nil
	}}
}

func run(t *testing.T, area compare.Area) *compare.Report {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip(engine.ErrNoServer)
	}
	report, err := compare.Run(t.Context(), []compare.Area{area}, compare.Options{Rounds: 3, Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	report := run(t, compare.Area{Name: "area", Behaviours: []compare.Behaviour{{
		What: "fault",
		Peers: []compare.Probe{
			{Name: "known", Known: true, Run: saw(true, "lost")},
			{Name: "mended", Known: true, Run: saw(false, "kept")},
			{Name: "sound", Run: saw(false, "kept")},
			{Name: "broken", Run: func(context.Context, *engine.Redis) (compare.Outcome, error) {
				return compare.Outcome{}, errors.New("no way")
			}},
		},
		Ours: compare.Probe{Name: "souk", Run: saw(false, "kept")},
	}}})
	want := []string{"hole", "not reproduced", "holds", "failed", "holds"}
	for i, row := range report.Behaviours {
		if row.Verdict() != want[i] {
			t.Errorf("%s: %s, want %s", row.Library, row.Verdict(), want[i])
		}
	}
	if err := report.Err(); err == nil || !strings.Contains(err.Error(), "no way") || strings.Contains(err.Error(), "mended") {
		t.Errorf("the report's error: %v", err)
	}
}

func TestAHoleOfOursFailsTheRun(t *testing.T) {
	t.Parallel()
	report := run(t, compare.Area{Behaviours: []compare.Behaviour{{
		What: "fault", Ours: compare.Probe{Name: "souk", Run: saw(true, "lost")},
	}}})
	if report.Err() == nil {
		t.Error("a hole of ours passed")
	}
}

func TestFiguresAreMediansAndMultiplesOfOurs(t *testing.T) {
	t.Parallel()
	report := run(t, compare.Area{Figures: []compare.Figure{{
		What: "figure", Units: compare.NsPerOp,
		Cases: []compare.Case{values("souk", true, 90, 10, 20), values("peer", false, 40, 1, 50)},
	}}})
	ours, peer := report.Figures[0], report.Figures[1]
	if ours.Median[0] != 20 || peer.Median[0] != 40 || peer.TimesOurs != 2 || ours.TimesOurs != 1 {
		t.Errorf("ours %+v, peer %+v", ours, peer)
	}
}

func TestProbesHaveARedisOfTheirOwn(t *testing.T) {
	t.Parallel()
	probe := compare.Probe{Name: "souk", Run: func(ctx context.Context, r *engine.Redis) (compare.Outcome, error) {
		n, err := r.Direct().Incr(ctx, "n").Result()
		return compare.Outcome{Hole: n > 1}, err
	}}
	report := run(t, compare.Area{Behaviours: []compare.Behaviour{
		{What: "once", Peers: []compare.Probe{probe}, Ours: probe}, {What: "twice", Ours: probe},
	}})
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	report := &compare.Report{
		Machine:    compare.Machine{Date: "2026-11-21", CPU: "cpu", Cores: 2, Load: "0.10", Redis: "7", Go: "1.26"},
		Behaviours: []compare.BehaviourRow{{Area: "cache", What: "fault", Library: "souk", Ours: true, Seen: "kept"}},
		Figures:    []compare.FigureRow{{Area: "cache", What: "hit", Library: "peer", Units: compare.NsPerOp, Median: []float64{1234567}, TimesOurs: 2}},
	}
	for name, write := range map[string]func(io.Writer) error{"text": report.Text, "markdown": report.Markdown} {
		var out strings.Builder
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"2026-11-21, cpu, 2 cores, load average 0.10", "cache: fault", "holds", "kept", "1,234,567", "2.00"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s lacks %q:\n%s", name, want, out.String())
			}
		}
	}
}
