package plan

// step is one thing done to an order, in one transaction with others.
type step struct {
	loop string
	next []int // steps that its event leads to
}

// steps are an order's way from the request to COMPLETED, and inventory's
// commit of the hold beside it. An order ends with step completed.
var steps = []step{
	{loop: intakeLoop, next: []int{1}},
	{loop: "inventory", next: []int{2}}, // reserve
	{loop: "order", next: []int{3}},     // payment due
	{loop: "payment", next: []int{4}},   // capture
	{loop: "order", next: []int{5, 7}},  // paid
	{loop: "points", next: []int{6}},    // award
	{loop: "order"},                     // completed
	{loop: "inventory"},                 // commit
}

const (
	intakeLoop = "intake"
	completed  = 6
)

// loopNames are in the order in which an order comes to them.
func loopNames() []string { return []string{intakeLoop, "inventory", "order", "payment", "points"} }

// service is whose replicas run the loop.
func (l Loop) service() string { return serviceOf(l.Name) }

func serviceOf(loop string) string {
	if loop == intakeLoop {
		return "order"
	}
	return loop
}

// visits is how often an order comes to a loop.
func visits(loop string) int {
	n := 0
	for _, s := range steps {
		if s.loop == loop {
			n++
		}
	}
	return n
}

// loops sizes them all. A service has one number of replicas, so each of its
// loops has it.
func loops(c Costs, t Target) []Loop {
	replicas := map[string]int{}
	for _, name := range loopNames() {
		service := serviceOf(name)
		replicas[service] = max(replicas[service], enough(name, c.timing(name), t))
	}
	var all []Loop
	for _, name := range loopNames() {
		all = append(all, shared(name, c.timing(name), t, replicas[serviceOf(name)]))
	}
	return all
}

// enough is as many replicas as keep a loop within headroom, in powers of two.
func enough(name string, b Timing, t Target) int {
	return powerOfTwo(ceil(t.Orders * float64(visits(name)) / (b.most() * t.Headroom)))
}

// shared is a loop whose events so many replicas share.
func shared(name string, b Timing, t Target, replicas int) Loop {
	l := Loop{Name: name, PerS: t.Orders * float64(visits(name)), MostPerS: b.most(), Replicas: replicas}
	each := l.PerS / float64(replicas)
	l.BusyShare = each / l.MostPerS
	l.Batch = b.batch(each)
	l.CommitPerS = l.PerS / l.Batch
	return l
}

// Timing is how long one batch takes: Fixed for its transaction and Item for
// each of at most Max events. In seconds.
type Timing struct {
	Fixed float64
	Item  float64
	Max   int
}

func (b Timing) lasts(n int) float64 { return b.Fixed + float64(n)*b.Item }

// most is events per second in full batches.
func (b Timing) most() float64 { return float64(b.Max) / b.lasts(b.Max) }

// batch is the mean size at a rate below most. What arrives during one batch is
// the next: n = rate × (Fixed + n × Item). It is at least one event.
func (b Timing) batch(rate float64) float64 {
	return min(float64(b.Max), max(1, rate*b.Fixed/(1-rate*b.Item)))
}
