package profiles

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"souk.example/cmd/souk/internal/bench/figures"
)

// ours begins the names of souk's own functions.
const ours = "souk.example/"

// Cost is what a function took, for each order.
type Cost struct {
	Function string  `json:"function"`
	PerOrder float64 `json:"per_order"`
}

// Costs are a process's dearest functions. CPU is in µs, memory in bytes.
type Costs struct {
	Process    string  `json:"process"`
	CPUUS      float64 `json:"cpu_us_per_order"`
	Cumulative []Cost  `json:"cumulative"` // CPU of a function of souk's and all it calls
	Flat       []Cost  `json:"flat"`       // CPU of a function by itself, anybody's
	AllocBytes float64 `json:"alloc_bytes_per_order"`
	Allocating []Cost  `json:"allocating"` // bytes allocated in a function of souk's and all it calls
}

// Read works out what each of so many orders took, and names the first few
// functions of each list.
func Read(f Files, orders, first int) (Costs, error) {
	cpu, err := sumFile(f.CPU, "cpu")
	if err != nil {
		return Costs{}, err
	}
	allocs, err := sumFile(f.Allocs, "alloc_space")
	if err != nil {
		return Costs{}, err
	}
	us, each := 1000*float64(orders), float64(orders) // the profile counts nanoseconds
	return Costs{
		Process: f.Process, CPUUS: perOrder(cpu.total, us), AllocBytes: perOrder(allocs.total, each),
		Cumulative: top(cpu.cumulative, us, first), Flat: top(cpu.flat, us, first), Allocating: top(allocs.cumulative, each, first),
	}, nil
}

// sums are a profile's values by function.
type sums struct {
	total      int64
	flat       map[string]int64
	cumulative map[string]int64 // of souk's functions only
}

func sumFile(path, kind string) (sums, error) {
	file, err := os.Open(path)
	if err != nil {
		return sums{}, err
	}
	defer file.Close()
	s, err := sum(file, kind)
	if err != nil {
		return sums{}, fmt.Errorf("profile %s: %w", path, err)
	}
	return s, nil
}

// sum adds up the samples' values of one kind. A function that calls itself
// counts once a sample.
func sum(r io.Reader, kind string) (sums, error) {
	p, err := profile.Parse(r)
	if err != nil {
		return sums{}, err
	}
	column := slices.IndexFunc(p.SampleType, func(t *profile.ValueType) bool { return t.Type == kind })
	if column < 0 {
		return sums{}, fmt.Errorf("it has no %s", kind)
	}
	s := sums{flat: make(map[string]int64), cumulative: make(map[string]int64)}
	for _, sample := range p.Sample {
		v, stack := sample.Value[column], functions(sample)
		s.total += v
		if len(stack) > 0 {
			s.flat[stack[0]] += v
		}
		slices.Sort(stack)
		for _, name := range slices.Compact(stack) {
			if strings.HasPrefix(name, ours) {
				s.cumulative[name] += v
			}
		}
	}
	return s, nil
}

// functions are those of a sample's stack, the innermost first.
func functions(s *profile.Sample) []string {
	var names []string
	for _, l := range s.Location {
		for _, line := range l.Line { // inlined callees first
			if line.Function != nil {
				names = append(names, line.Function.Name)
			}
		}
	}
	return names
}

// top are the dearest, in order; equal ones by name.
func top(values map[string]int64, divisor float64, first int) []Cost {
	names := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		return cmp.Or(cmp.Compare(values[b], values[a]), strings.Compare(a, b))
	})
	costs := make([]Cost, 0, first)
	for _, name := range names[:min(first, len(names))] {
		costs = append(costs, Cost{Function: name, PerOrder: perOrder(values[name], divisor)})
	}
	return costs
}

func perOrder(v int64, divisor float64) float64 {
	return figures.Round(figures.Share(float64(v), divisor), 2)
}
