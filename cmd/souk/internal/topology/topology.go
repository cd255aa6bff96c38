// Package topology knows which services souk consists of and where they listen
// on one machine. Every address follows from one port base.
package topology

import (
	"fmt"
	"strconv"
)

// DefaultPortBase is the gateway's port when nothing else is said.
const DefaultPortBase = 8080

const (
	adminOffset = 1000
	redisOffset = 299
	kafkaOffset = 312
	highestPort = 65535
)

// Service is one service's place.
type Service struct {
	Name   string
	Port   int // the public API
	Admin  int // metrics and profiles
	HasSQL bool
}

// URL is the base of the service's public API, without a trailing slash.
func (s Service) URL() string { return "http://" + Loopback(s.Port) }

// AdminURL is the base of the service's admin listener.
func (s Service) AdminURL() string { return "http://" + Loopback(s.Admin) }

// Topology is the whole platform's layout. The zero value is not usable.
type Topology struct{ base int }

// New lays souk out from the given port base.
func New(base int) (Topology, error) {
	if base < 1 || base+adminOffset+len(Names()) > highestPort {
		return Topology{}, fmt.Errorf("port base %d leaves no room for souk's ports (1 to %d)", base, highestPort-adminOffset-len(Names()))
	}
	return Topology{base: base}, nil
}

// Names lists every service, the gateway first.
func Names() []string {
	return []string{"gateway", "user", "inventory", "order", "payment", "points"}
}

// Services lists every service, the gateway first.
func (t Topology) Services() []Service {
	var all []Service
	for i, name := range Names() {
		all = append(all, Service{Name: name, Port: t.base + i, Admin: t.base + adminOffset + i, HasSQL: name != "gateway"})
	}
	return all
}

// Service finds a service by name.
func (t Topology) Service(name string) (Service, error) {
	for _, s := range t.Services() {
		if s.Name == name {
			return s, nil
		}
	}
	return Service{}, fmt.Errorf("no service %q; there are %v", name, Names())
}

// Gateway is where clients go.
func (t Topology) Gateway() Service { return t.Services()[0] }

// Base is the gateway's port, from which the others follow.
func (t Topology) Base() int { return t.base }

// RedisPort is where the embedded Redis listens.
func (t Topology) RedisPort() int { return t.base + redisOffset }

// KafkaPort is where the embedded broker listens.
func (t Topology) KafkaPort() int { return t.base + kafkaOffset }

// Port is one port souk needs and what for.
type Port struct {
	Number int
	Use    string
}

// Ports lists every port souk listens on.
func (t Topology) Ports() []Port {
	ports := []Port{{t.RedisPort(), "redis"}, {t.KafkaPort(), "kafka"}}
	for _, s := range t.Services() {
		ports = append(ports, Port{s.Port, s.Name}, Port{s.Admin, s.Name + " admin"})
	}
	return ports
}

// Loopback is the local address of a port.
func Loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
