package plan

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
)

// Pipeline is what is simulated: orders arrive at random (a Poisson process) and
// pass through every loop of their way, in batches that form by themselves.
type Pipeline struct {
	Rate     float64 // orders per second
	Orders   int     // to simulate; the first fifth is warm-up
	Hop      float64 // seconds from one loop's commit to the event's arrival at the next
	Replicas map[string]int
	Timing   map[string]Timing
	Seed     uint64
}

// Latency is the outcome of a simulation, in milliseconds. Accept is from arrival
// to the end of intake's batch, Complete from the same arrival to the end of the
// last. HTTP, and waiting for a core, are in neither.
type Latency struct {
	AcceptP50   float64            `json:"accept_p50_ms"`
	AcceptP99   float64            `json:"accept_p99_ms"`
	CompleteP50 float64            `json:"complete_p50_ms"`
	CompleteP99 float64            `json:"complete_p99_ms"`
	Orders      int                `json:"orders_simulated"`
	Batches     map[string]float64 `json:"mean_batch"`
}

const (
	simulatedSeconds = 5
	leastSimulated   = 5_000
	mostSimulated    = 200_000
)

// Pipeline is the plan's: five seconds of its load, within bounds.
func (p Plan) Pipeline() Pipeline {
	sim := Pipeline{
		Rate: p.Target.Orders, Hop: p.Costs.HopMS / 1e3, Seed: 1,
		Orders:   int(min(mostSimulated, max(leastSimulated, simulatedSeconds*p.Target.Orders))),
		Replicas: map[string]int{}, Timing: map[string]Timing{},
	}
	for _, l := range p.Loops {
		sim.Replicas[l.Name], sim.Timing[l.Name] = l.Replicas, p.Costs.timing(l.Name)
	}
	return sim
}

// Simulate runs a pipeline until every order is done. The same pipeline always
// gives the same latency.
func Simulate(p Pipeline) Latency {
	s := newSimulation(p)
	random := rand.New(rand.NewPCG(p.Seed, 0))
	at := 0.0
	for i := range s.orders {
		at += random.ExpFloat64() / p.Rate
		s.orders[i] = passage{arrived: at, shard: random.Uint32()}
		s.schedule(happening{at: at, order: i})
	}
	for s.future.Len() > 0 {
		s.happen(heap.Pop(&s.future).(happening))
	}
	return s.latency()
}

// passage is one order's way.
type passage struct {
	arrived, accepted, completed float64
	shard                        uint32 // decides the replica, as a partition does
}

// worker is one replica's loop.
type worker struct {
	timing Timing
	queue  []visit
	batch  []visit // under way; empty when idle
}

// visit is an order at a step.
type visit struct{ order, step int }

// happening is an order's arrival at a step or, with done, the end of a batch.
type happening struct {
	at    float64
	seq   int // ties happen in the order in which they were scheduled
	order int
	step  int
	done  *worker
}

type simulation struct {
	Pipeline
	orders  []passage
	workers map[string][]*worker
	future  agenda
	seq     int
	batches map[string]int // begun, by loop
	visits  map[string]int // in them
}

func newSimulation(p Pipeline) *simulation {
	s := &simulation{
		Pipeline: p, orders: make([]passage, p.Orders), workers: map[string][]*worker{},
		batches: map[string]int{}, visits: map[string]int{},
	}
	for name, n := range p.Replicas {
		for range n {
			s.workers[name] = append(s.workers[name], &worker{timing: p.Timing[name]})
		}
	}
	return s
}

func (s *simulation) schedule(h happening) {
	h.seq = s.seq
	s.seq++
	heap.Push(&s.future, h)
}

func (s *simulation) happen(h happening) {
	w := h.done
	if w == nil {
		team := s.workers[steps[h.step].loop]
		w = team[int(s.orders[h.order].shard)%len(team)]
		w.queue = append(w.queue, visit{h.order, h.step})
		if len(w.batch) > 0 {
			return
		}
	} else {
		s.end(w, h.at)
	}
	s.begin(w, h.at)
}

// begin takes what is queued into the next batch; nothing when there is none.
func (s *simulation) begin(w *worker, at float64) {
	n := min(len(w.queue), w.timing.Max)
	if n == 0 {
		return
	}
	w.batch = slices.Clone(w.queue[:n])
	w.queue = slices.Delete(w.queue, 0, n)
	loop := steps[w.batch[0].step].loop
	s.batches[loop]++
	s.visits[loop] += n
	s.schedule(happening{at: at + w.timing.lasts(n), done: w})
}

// end sends on what a batch has done.
func (s *simulation) end(w *worker, at float64) {
	for _, v := range w.batch {
		switch v.step {
		case 0:
			s.orders[v.order].accepted = at
		case completed:
			s.orders[v.order].completed = at
		}
		for _, next := range steps[v.step].next {
			s.schedule(happening{at: at + s.Hop, order: v.order, step: next})
		}
	}
	w.batch = nil
}

func (s *simulation) latency() Latency {
	counted := s.orders[len(s.orders)/5:]
	accept, complete := make([]float64, len(counted)), make([]float64, len(counted))
	for i, o := range counted {
		accept[i], complete[i] = 1e3*(o.accepted-o.arrived), 1e3*(o.completed-o.arrived)
	}
	slices.Sort(accept)
	slices.Sort(complete)
	l := Latency{
		AcceptP50: percentile(accept, 50), AcceptP99: percentile(accept, 99),
		CompleteP50: percentile(complete, 50), CompleteP99: percentile(complete, 99),
		Orders: len(counted), Batches: map[string]float64{},
	}
	for loop, n := range s.batches {
		l.Batches[loop] = float64(s.visits[loop]) / float64(n)
	}
	return l
}

// percentile is nearest-rank, of sorted values of which there is one at least.
func percentile(sorted []float64, p float64) float64 {
	return sorted[int(math.Ceil(p/100*float64(len(sorted))))-1]
}

// agenda is a heap of what will happen, the earliest first.
type agenda []happening

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || (a[i].at == a[j].at && a[i].seq < a[j].seq)
}
func (a *agenda) Push(x any) { *a = append(*a, x.(happening)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
