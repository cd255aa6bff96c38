package compare

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"souk.example/bench/peers/engine"
)

// Options of a run.
type Options struct {
	Rounds   int       // samples per case, of which the median counts
	Progress io.Writer // told what is under way
}

// probeLimit bounds one probe: none waits for anything longer than a few
// seconds, so one that takes this long hangs.
const probeLimit = 60 * time.Second

// Run compares every area and returns what it saw. An error means that Redis
// could not be run or that ctx has ended; what a single probe or case met is
// in the report.
func Run(ctx context.Context, areas []Area, opts Options) (*Report, error) {
	report := &Report{Machine: describe(ctx)}
	for _, area := range areas {
		for _, b := range area.Behaviours {
			fmt.Fprintf(opts.Progress, "%s: %s\n", area.Name, b.What)
			rows, err := behave(ctx, area, b)
			if err != nil {
				return nil, err
			}
			report.Behaviours = append(report.Behaviours, rows...)
		}
	}
	for _, area := range areas {
		for _, f := range area.Figures {
			fmt.Fprintf(opts.Progress, "%s: %s\n", area.Name, f.What)
			rows, err := figure(ctx, area, f, opts.Rounds)
			if err != nil {
				return nil, err
			}
			report.Figures = append(report.Figures, rows...)
		}
	}
	return report, nil
}

func behave(ctx context.Context, area Area, b Behaviour) ([]BehaviourRow, error) {
	rows := make([]BehaviourRow, 0, len(b.Peers)+1)
	for _, p := range append(slices.Clone(b.Peers), b.Ours) {
		seen, err := probe(ctx, p)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		row := BehaviourRow{Area: area.Name, What: b.What, Library: p.Name, Ours: p.Name == b.Ours.Name, Hole: seen.Hole, Known: p.Known, Seen: seen.Seen}
		if err != nil {
			row.Error = err.Error()
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// probe runs p on a Redis of its own, since p may well end it.
func probe(ctx context.Context, p Probe) (Outcome, error) {
	r, err := engine.Start(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer r.Stop()
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	return p.Run(ctx, r)
}

// figure takes the samples of its cases in turns, so that what else the
// machine does falls on all of them.
func figure(ctx context.Context, area Area, f Figure, rounds int) ([]FigureRow, error) {
	r, err := engine.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Stop()
	rows := make([]FigureRow, len(f.Cases))
	samples := make([]Sample, len(f.Cases))
	for i, c := range f.Cases {
		rows[i] = FigureRow{Area: area.Name, What: f.What, Units: f.Units, Library: c.Name, Ours: c.Ours}
		sample, done, err := c.Open(ctx, r)
		if err != nil {
			rows[i].Error = err.Error()
			continue
		}
		defer done()
		samples[i] = sample
	}
	for range rounds {
		for i := range rows {
			if samples[i] != nil && rows[i].Error == "" {
				rows[i].take(ctx, samples[i])
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	compareWithOurs(rows)
	return rows, nil
}

func (row *FigureRow) take(ctx context.Context, sample Sample) {
	values, err := sample(ctx)
	if err != nil {
		row.Error = err.Error()
		return
	}
	row.samples = append(row.samples, values)
	row.Median = medians(row.samples)
}

// medians is the median of each unit over samples.
func medians(samples [][]float64) []float64 {
	out := make([]float64, len(samples[0]))
	for unit := range out {
		column := make([]float64, len(samples))
		for i, s := range samples {
			column[i] = s[unit]
		}
		slices.Sort(column)
		out[unit] = column[len(column)/2]
	}
	return out
}

// compareWithOurs sets each row's ratio against the first of ours.
func compareWithOurs(rows []FigureRow) {
	ours := slices.IndexFunc(rows, func(r FigureRow) bool { return r.Ours && r.Error == "" })
	if ours < 0 {
		return
	}
	for i := range rows {
		if rows[i].Error == "" && len(rows[i].Median) > 0 && rows[ours].Median[0] > 0 {
			rows[i].TimesOurs = rows[i].Median[0] / rows[ours].Median[0]
		}
	}
}
