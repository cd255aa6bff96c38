// Command peers puts souk's Redis layer beside the libraries a user would pick
// instead. It arranges faults, measures, and prints one table of behaviours
// and one of figures, all on redis-servers of its own.
//
// It exits 1 when souk has one of the holes, or when something could not be
// arranged or measured; a peer without a hole it is known for is only said.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/zeromicro/go-zero/core/logx"

	"souk.example/bench/peers/buspeers"
	"souk.example/bench/peers/cachepeers"
	"souk.example/bench/peers/clientpeers"
	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/idpeers"
	"souk.example/bench/peers/limitpeers"
	"souk.example/bench/peers/lockpeers"
	"souk.example/pkg/redisclient"
)

// areas is everything there is to compare.
func areas() []compare.Area {
	return []compare.Area{
		clientpeers.Area(), cachepeers.Area(), lockpeers.Area(), buspeers.Area(), idpeers.Area(), limitpeers.Area(),
	}
}

// limit bounds a whole run.
const limit = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

type flags struct {
	only             string
	json, markdown   bool
	rounds           int
	behaviours, figs bool
}

func parse(args []string) (f flags, err error) {
	set := flag.NewFlagSet("peers", flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprintf(set.Output(), "usage: peers [flags]\nareas: %s\n", strings.Join(names(areas()), ", "))
		set.PrintDefaults()
	}
	set.StringVar(&f.only, "only", "", "compare only these `areas`, separated by commas")
	set.BoolVar(&f.json, "json", false, "print one JSON document")
	set.BoolVar(&f.markdown, "markdown", false, "print Markdown")
	set.IntVar(&f.rounds, "rounds", 7, "samples per figure, of which the median counts")
	set.BoolVar(&f.behaviours, "behaviours", true, "arrange the faults")
	set.BoolVar(&f.figs, "figures", true, "measure")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if f.rounds < 1 || f.json && f.markdown || set.NArg() > 0 {
		return f, errors.New("want --rounds above 0, one of --json and --markdown, and no arguments; see --help")
	}
	return f, nil
}

func run(ctx context.Context, args []string) error {
	if asked, err := lockpeers.HoldForParent(ctx, args); asked {
		return err
	}
	f, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	chosen, err := choose(areas(), f)
	if err != nil {
		return err
	}
	quiet()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not done after %v", limit))
	defer cancel()
	report, err := compare.Run(ctx, chosen, compare.Options{Rounds: f.rounds, Progress: os.Stderr})
	if err != nil {
		return err
	}
	if err := print(os.Stdout, report, f); err != nil {
		return err
	}
	return report.Err()
}

// quiet silences libraries that log faults, which here are arranged, and sets
// how long testing.Benchmark measures.
func quiet() {
	redisclient.Quiet()
	redis.SetLogger(silent{})
	log.SetOutput(io.Discard)
	logx.Disable() // go-zero also reports the machine's load, on standard output
	testing.Init()
	_ = flag.Set("test.benchtime", "60ms")
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func choose(all []compare.Area, f flags) ([]compare.Area, error) {
	wanted := names(all)
	if f.only != "" {
		wanted = strings.Split(f.only, ",")
	}
	var out []compare.Area
	for _, name := range wanted {
		i := slices.IndexFunc(all, func(a compare.Area) bool { return a.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no area %q; there are %s", name, strings.Join(names(all), ", "))
		}
		area := all[i]
		if !f.behaviours {
			area.Behaviours = nil
		}
		if !f.figs {
			area.Figures = nil
		}
		out = append(out, area)
	}
	return out, nil
}

func names(all []compare.Area) []string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = a.Name
	}
	return out
}

func print(w io.Writer, report *compare.Report, f flags) error {
	switch {
	case f.json:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(report)
	case f.markdown:
		return report.Markdown(w)
	default:
		return report.Text(w)
	}
}
