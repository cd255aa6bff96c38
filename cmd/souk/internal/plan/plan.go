// Package plan computes what a load needs: nodes, partitions, connections, what
// engines have to carry, what gives way first, and how long orders will take.
//
// Two parts: arithmetic on costs that were measured ([Make]), and a simulation of
// the batched pipeline ([Simulate]). Both are deterministic. They know nothing
// that was not measured: that a cost per order stays what it was on two cores is
// assumed, and for larger machines is an extrapolation.
package plan

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
)

// Target is the load to plan for.
type Target struct {
	Orders       float64 `json:"orders_per_s"`
	Pages        float64 `json:"pages_per_s"`
	Products     float64 `json:"products"`       // in the catalogue
	Headroom     float64 `json:"headroom"`       // the share of a core, or of a funnel, that may be busy
	CoresPerNode int     `json:"cores_per_node"` // of services and engines alike
}

// Validate reports targets that cannot be planned for.
func (t Target) Validate() error {
	switch {
	case !(t.Orders > 0 && t.Orders <= 1e6):
		return fmt.Errorf("%g orders per second: want more than 0, at most a million", t.Orders)
	case !(t.Pages >= 0 && t.Pages <= 1e8):
		return fmt.Errorf("%g pages per second: want 0 to a hundred million", t.Pages)
	case !(t.Products >= 1 && t.Products <= 1e9):
		return fmt.Errorf("%g products: want 1 to a billion", t.Products)
	case !(t.Headroom >= 0.05 && t.Headroom <= 0.95):
		return fmt.Errorf("headroom %g: want 0.05 to 0.95", t.Headroom)
	case t.CoresPerNode < 1 || t.CoresPerNode > 1024:
		return fmt.Errorf("%d cores per node: want 1 to 1024", t.CoresPerNode)
	}
	return nil
}

// Plan is what a target needs.
type Plan struct {
	Target      Target      `json:"target"`
	Costs       Costs       `json:"costs"`
	Nodes       Nodes       `json:"nodes"`
	Tiers       []Tier      `json:"tiers"`
	Partitions  int         `json:"partitions"` // of each topic
	Loops       []Loop      `json:"loops"`
	Connections Connections `json:"connections"`
	SQL         SQL         `json:"sql"`
	Kafka       Kafka       `json:"kafka"`
	Redis       Redis       `json:"redis"`
	Limits      []Limit     `json:"limits"`  // what gives way first comes first
	Latency     Latency     `json:"latency"` // of the pipeline, once simulated
}

// Nodes counts machines. Services share theirs, each engine has its own.
type Nodes struct {
	Services int `json:"services"`
	SQL      int `json:"sql"`
	Kafka    int `json:"kafka"`
	Redis    int `json:"redis"`
	Total    int `json:"total"`
}

// Tier is a service or an engine.
type Tier struct {
	Name     string  `json:"name"`
	Busy     float64 `json:"busy_cores"`
	Cores    float64 `json:"cores"` // with headroom
	Replicas int     `json:"replicas"`
}

// Loop is one place where batches form: order's intake, or the funnel of a
// consumer group. Each replica of its service runs one, which works at one batch
// at a time.
type Loop struct {
	Name       string  `json:"name"`
	PerS       float64 `json:"events_per_s"`
	MostPerS   float64 `json:"most_per_s_of_one"` // with full batches
	Replicas   int     `json:"replicas"`
	BusyShare  float64 `json:"busy_share"` // of what one replica can do at most
	Batch      float64 `json:"batch"`      // events in one on average
	CommitPerS float64 `json:"commits_per_s"`
}

// Connections counts those that services hold open to engines.
type Connections struct {
	SQL   int `json:"sql"`
	Kafka int `json:"kafka"`
	Redis int `json:"redis"`
}

// SQL is what the databases take.
type SQL struct {
	RowsPerS    float64 `json:"rows_per_s"`
	CommitsPerS float64 `json:"commits_per_s"`
	GBPerDay    float64 `json:"gb_per_day"`
}

// Kafka is what the brokers take and hand out.
type Kafka struct {
	InMBPerS  float64 `json:"in_mb_per_s"`
	LogMBPerS float64 `json:"log_mb_per_s"` // written to all brokers' disks
	OutMBPerS float64 `json:"out_mb_per_s"` // to consumers, replication excepted
}

// Redis is what the Redis nodes take.
type Redis struct {
	CommandsPerS float64 `json:"commands_per_s"`
	MemoryMB     float64 `json:"memory_mb"`
}

// Make plans for a target with costs as measured. Latency is left to [Simulate].
func Make(c Costs, t Target) (Plan, error) {
	if err := cmp.Or(c.Validate(), t.Validate()); err != nil {
		return Plan{}, err
	}
	p := Plan{Target: t, Costs: c, Loops: loops(c, t), Partitions: leastPartitions}
	for _, l := range p.Loops {
		p.Partitions = max(p.Partitions, l.Replicas)
		p.SQL.CommitsPerS += l.CommitPerS
	}
	p.Tiers = tiers(c, t, p.Loops)
	p.Nodes = nodes(p.Tiers, t.CoresPerNode)
	p.Connections = connections(p.Tiers, t.CoresPerNode)
	p.SQL.RowsPerS = t.Orders * c.RowsPerOrder
	p.SQL.GBPerDay = t.Orders * c.SQLBytesPerOrder * secondsPerDay / 1e9
	p.Kafka = kafka(c, t)
	p.Redis = redis(c, t)
	p.Limits = limits(p)
	return p, nil
}

const (
	leastPartitions = 4 // what contracts begin with
	replication     = 3 // copies of each Kafka record
	secondsPerDay   = 86_400
)

// tiers need cores for what they do, and services a replica for each loop. One
// Redis uses one core.
func tiers(c Costs, t Target, all []Loop) []Tier {
	var out []Tier
	for _, name := range append(Services(), Engines()...) {
		busy := (t.Orders*c.OrderCPU[name] + t.Pages*c.PageCPU[name]) / 1e6
		cores := busy / t.Headroom
		replicas := ceil(cores / float64(t.CoresPerNode))
		for _, l := range all {
			if l.service() == name {
				replicas = max(replicas, l.Replicas)
			}
		}
		switch name {
		case "kafka":
			replicas = max(replicas, replication)
		case "redis":
			replicas = ceil(cores)
		}
		out = append(out, Tier{Name: name, Busy: busy, Cores: cores, Replicas: max(replicas, 1)})
	}
	return out
}

func nodes(all []Tier, cores int) Nodes {
	var n Nodes
	var shared float64
	for _, t := range all {
		switch t.Name {
		case "mariadb":
			n.SQL = t.Replicas
		case "kafka":
			n.Kafka = t.Replicas
		case "redis":
			n.Redis = max(1, ceil(t.Cores/float64(cores)))
		default:
			shared += t.Cores
		}
	}
	n.Services = max(1, ceil(shared/float64(cores)))
	n.Total = n.Services + n.SQL + n.Kafka + n.Redis
	return n
}

// connections are the pools' bounds: 16 to SQL; to each broker one that produces
// and one that consumes; to Redis 10 per core for each of three handles.
func connections(all []Tier, cores int) Connections {
	var sql, every, brokers int
	for _, t := range all {
		switch t.Name {
		case "kafka":
			brokers = t.Replicas
		case "mariadb", "redis":
		case "gateway":
			every += t.Replicas
		default:
			every += t.Replicas
			sql += t.Replicas
		}
	}
	return Connections{SQL: 16 * sql, Kafka: 2 * sql * brokers, Redis: 3 * 10 * min(cores, 4) * every}
}

// kafka counts the order topic as read by three groups, replies by one.
func kafka(c Costs, t Target) Kafka {
	in := t.Orders * (c.OrderTopicBytes + c.ReplyBytes) / 1e6
	out := t.Orders * (3*c.OrderTopicBytes + c.ReplyBytes) / 1e6
	return Kafka{InMBPerS: in, LogMBPerS: replication * in, OutMBPerS: out}
}

func redis(c Costs, t Target) Redis {
	return Redis{
		CommandsPerS: t.Orders*c.CommandsPerOrder + t.Pages*c.CommandsPerPage,
		MemoryMB:     t.Products * c.RedisBytesPerProduct / 1e6,
	}
}

func ceil(x float64) int { return int(math.Ceil(x)) }

// powerOfTwo is the smallest that is at least n: so partitions divide evenly.
func powerOfTwo(n int) int { return 1 << bits.Len(uint(max(n, 1)-1)) }
