package outbox

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"
)

// Config says what an Outbox sends and where it may. The zero value of a
// tunable asks for its default; Source, Topics, Partitions and Partition have
// none.
type Config struct {
	// Source is the CloudEvents source of every event.
	Source string `env:"-"`
	// Topics are the topics that may be appended to. One that never is costs
	// next to nothing.
	Topics []string `env:"-"`
	// Partitions is the number of partitions of each topic.
	Partitions int32 `env:"-"`
	// Partition maps an event's subject to one of n partitions, for ever the
	// same one.
	Partition func(key string, n int32) int32 `env:"-"`

	BatchMax     int           `env:"SOUK_BATCH_MAX" envDefault:"500" usage:"most requests or events in one transaction or pack"`
	MaxPackBytes int           `env:"SOUK_OUTBOX_MAX_PACK_BYTES" envDefault:"524288" usage:"largest pack; the broker must accept it"`
	LeaseTTL     time.Duration `env:"SOUK_OUTBOX_LEASE_TTL" envDefault:"3s" usage:"how long the partitions of a crashed process wait for another"`
	Owner        string        `env:"SOUK_OUTBOX_OWNER" usage:"name in the lease table, made unique by a random part (default host and pid)"`
}

// minLeaseTTL leaves room for a renewal to come late.
const minLeaseTTL = 100 * time.Millisecond

func (c Config) withDefaults() Config {
	c.BatchMax = cmp.Or(c.BatchMax, 500)
	c.MaxPackBytes = cmp.Or(c.MaxPackBytes, 512<<10)
	c.LeaseTTL = cmp.Or(c.LeaseTTL, 3*time.Second)
	c.Owner = uniqueOwner(c.Owner)
	return c
}

// Validate reports tunables that cannot work.
func (c Config) Validate() error {
	if c.BatchMax < 0 || c.MaxPackBytes < 0 {
		return errors.New("outbox: bounds must not be negative")
	}
	if c.LeaseTTL != 0 && c.LeaseTTL < minLeaseTTL {
		return fmt.Errorf("outbox: a lease must last %s or longer", minLeaseTTL)
	}
	return nil
}

// complete reports what the program, not the operator, left out.
func (c Config) complete() error {
	if c.Source == "" || len(c.Topics) == 0 || c.Partitions < 1 || c.Partition == nil {
		return errors.New("outbox: Config needs Source, Topics, Partitions and Partition")
	}
	return c.Validate()
}

// uniqueOwner adds a random part: a process that comes back under its old name
// must not take the leases of its predecessor for its own.
func uniqueOwner(name string) string {
	if name == "" {
		host, _ := os.Hostname()
		name = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	return name[:min(len(name), 100)] + "-" + rand.Text()[:12]
}
