package plan

import (
	"cmp"
	"slices"
)

// Limit is something that adding nodes of the same kind does not extend.
type Limit struct {
	What    string  `json:"what"`
	Carries float64 `json:"carries"` // how many times the target; below 1 it does not
	MoveTo  string  `json:"move_to"`
}

// limits are sorted by what gives way first.
func limits(p Plan) []Limit {
	node := float64(p.Target.CoresPerNode)
	all := []Limit{
		{"CPU of one MariaDB primary", node / p.tier("mariadb").Cores, "a primary per service, then TiDB"},
		{"commits of one MariaDB primary, batches full", p.Costs.FlushesPerS * p.Target.Headroom / p.leastCommits(), "a primary per service, then TiDB"},
		{"one hot SKU's stock row", p.Costs.HotSKUPerS * p.Target.Headroom / p.Target.Orders, "an admission gate before it, then stock in buckets"},
		{"4 partitions, one funnel per group each", p.partitionsCarry(), "topics of a new version with more partitions"},
	}
	if busy := p.tier("redis").Cores; busy > 0 {
		all = append(all, Limit{"one thread of Redis", 1 / busy, "Redis Cluster, or a CDN that answers conditional GETs"})
	}
	slices.SortStableFunc(all, func(a, b Limit) int { return cmp.Compare(a.Carries, b.Carries) })
	return all
}

// leastCommits is how many a second there have to be: where commits are slow,
// batches grow until they are full.
func (p Plan) leastCommits() float64 {
	var least float64
	for _, l := range p.Loops {
		least += l.PerS / float64(p.Costs.timing(l.Name).Max)
	}
	return least
}

// partitionsCarry is of the group that four partitions hold back most. Intake is
// not bound by partitions.
func (p Plan) partitionsCarry() float64 {
	least := 0.0
	for _, l := range p.Loops {
		if l.Name == intakeLoop {
			continue
		}
		if carries := leastPartitions * l.MostPerS * p.Target.Headroom / l.PerS; least == 0 || carries < least {
			least = carries
		}
	}
	return least
}

func (p Plan) tier(name string) Tier {
	i := slices.IndexFunc(p.Tiers, func(t Tier) bool { return t.Name == name })
	return p.Tiers[i]
}
