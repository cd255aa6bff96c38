// Package native runs the engines souk is deployed on — Redis, Kafka and
// MariaDB — as private processes of one machine, without containers: private
// ports, private data under the souk home, never a system service.
//
// The engines are detached: they outlive the process that starts them and are
// found again by the pid files they leave. Kafka is one node in KRaft mode. The
// configuration files are templates in deploy/native/conf, and
// deploy/native/install.sh installs the programs. Unix only.
package native

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Name names an engine.
type Name string

// The engines, in the order in which they are listed.
const (
	Redis   Name = "redis"
	Kafka   Name = "kafka"
	MariaDB Name = "mariadb"
)

// Where the engines listen, counted from the port base.
const (
	redisOffset      = 299
	kafkaOffset      = 312
	controllerOffset = 313
	mariadbOffset    = 226
	highestPort      = 65535
)

// kafkaDir holds Kafka's jars below Config.EnginesDir; tools/kafka/pom.xml has
// the same version.
const kafkaDir = "kafka-4.3.1"

// Config says where the engines live. Home is required.
type Config struct {
	// Home is the souk home, which exists. Data goes to Home/native/<engine>,
	// logs to Home/log/<engine>.log and passwords to Home/keys.
	Home string
	// PortBase is the port from which the engines' ports follow; default 8080.
	PortBase int
	// EnginesDir is where install.sh has put Kafka's jars; default
	// .cache/souk/engines in the user's home directory (SOUK_ENGINES).
	EnginesDir string
	// Behind is how far above the ports that clients are told the engines
	// listen, for a proxy that stands between to make faults; 0: no proxy
	// (SOUK_ENGINES_BEHIND).
	Behind int
}

func (c Config) withDefaults() Config {
	if c.PortBase == 0 {
		c.PortBase = 8080
	}
	if c.EnginesDir == "" {
		c.EnginesDir = filepath.Join(userHome(), ".cache", "souk", "engines")
	}
	return c
}

// userHome is "." for a user without one, so that the error names a path.
func userHome() string {
	dir, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	return dir
}

// unquotable cannot stand in a path in all of the engines' configuration files.
const unquotable = "\"'\\,;#$*?[]\n\r\t"

// Validate reports what keeps the engines from starting.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.Home == "" {
		return errors.New("native: Home is required")
	}
	if strings.ContainsAny(c.Home, unquotable) {
		return fmt.Errorf("native: the home %q has a character that cannot stand in a configuration file: one of %q", c.Home, unquotable)
	}
	if c.Behind < 0 || c.PortBase < 1 || c.PortBase+controllerOffset+c.Behind > highestPort {
		return fmt.Errorf("native: port base %d leaves no room for the engines' ports (1 to %d)", c.PortBase, highestPort-controllerOffset-c.Behind)
	}
	return nil
}

// Engines are the three engines of one souk home; they need not run. Its
// methods may be called concurrently, also by several processes: those that
// start or stop anything take turns.
type Engines struct {
	home    string
	redis   *supervised
	kafka   *supervised
	mariadb *supervised
	sql     *mariadbEngine // what runs as mariadb
}

// New names the engines of a home. It starts nothing and writes nothing.
func New(cfg Config) (*Engines, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	home, err := filepath.Abs(cfg.Home)
	if err != nil {
		return nil, err
	}
	sql := &mariadbEngine{dir: engineDir(home, MariaDB), at: cfg.place(mariadbOffset), passwords: passwords{filepath.Join(home, "keys")}}
	return &Engines{
		home:  home,
		redis: supervise(home, &redisEngine{dir: engineDir(home, Redis), at: cfg.place(redisOffset)}),
		kafka: supervise(home, &kafkaEngine{
			dir: engineDir(home, Kafka), at: cfg.place(kafkaOffset), controllerPort: cfg.PortBase + controllerOffset,
			jars: filepath.Join(cfg.EnginesDir, kafkaDir),
		}),
		mariadb: supervise(home, sql),
		sql:     sql,
	}, nil
}

// place is where an engine listens, and where clients are told that it does.
type place struct{ bound, told int }

func (c Config) place(offset int) place {
	return place{bound: c.PortBase + offset + c.Behind, told: c.PortBase + offset}
}

func engineDir(home string, name Name) string { return filepath.Join(home, "native", string(name)) }

// RedisAddr is the host:port that Redis' clients connect to.
func (e *Engines) RedisAddr() string { return e.redis.address() }

// KafkaAddr is the host:port that the broker's clients connect to.
func (e *Engines) KafkaAddr() string { return e.kafka.address() }

// all lists the engines, in the order of Name's constants.
func (e *Engines) all() []*supervised { return []*supervised{e.redis, e.kafka, e.mariadb} }

// named finds an engine.
func (e *Engines) named(name Name) (*supervised, error) {
	for _, s := range e.all() {
		if s.name() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no engine %q; there are %s, %s and %s", name, Redis, Kafka, MariaDB)
}

// prepareHome makes the directories the engines share. The home itself is not
// made: it belongs to whoever names it.
func (e *Engines) prepareHome() error {
	if _, err := os.Stat(e.home); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("native: the home %s does not exist", e.home)
	}
	for _, sub := range []string{"native", "log", "keys"} {
		if err := os.MkdirAll(filepath.Join(e.home, sub), 0o700); err != nil {
			return err
		}
	}
	return letThrough(e.home, filepath.Join(e.home, "native"))
}
