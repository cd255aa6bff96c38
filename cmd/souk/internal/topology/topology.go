// Package topology knows which services souk consists of and where they listen
// on one machine. Every address follows from one port base.
package topology

import (
	"fmt"
	"slices"
	"strconv"
)

// DefaultPortBase is the gateway's port when nothing else is said.
const DefaultPortBase = 8080

// MaxReplicas is how many replicas of a service have ports of their own.
const MaxReplicas = 10

const (
	adminOffset   = 1000
	replicaOffset = 100
	pspOffset     = 10
	redisOffset   = 299
	kafkaOffset   = 312
	highestPort   = 65535
)

// Service is one replica of a service and its place.
type Service struct {
	Name    string
	Replica int // from 1
	Port    int // the public API
	Admin   int // metrics and profiles
	Storage Storage
}

// Storage is where a service keeps its data.
type Storage uint8

const (
	NoStorage Storage = iota
	Database          // of its own name, on the SQL engine
	File              // SQLite, whatever the SQL engine is
)

// PSP is the sandbox payment provider. It is somebody else's in production, so
// there is one, and its record is its own.
const PSP = "psp"

// String names the replica, e.g. "order-2".
func (s Service) String() string { return s.Name + "-" + strconv.Itoa(s.Replica) }

// URL is the base of the service's public API, without a trailing slash.
func (s Service) URL() string { return "http://" + Loopback(s.Port) }

// AdminURL is the base of the service's admin listener.
func (s Service) AdminURL() string { return "http://" + Loopback(s.Admin) }

// Topology is the whole platform's layout. The zero value is not usable.
type Topology struct{ base, replicas int }

// New lays out replicas of every service from the given port base: a replica's
// ports stand 100 above those of the one before.
func New(base, replicas int) (Topology, error) {
	if replicas < 1 || replicas > MaxReplicas {
		return Topology{}, fmt.Errorf("%d replicas: want 1 to %d", replicas, MaxReplicas)
	}
	above := adminOffset + (replicas-1)*replicaOffset + pspOffset
	if base < 1 || base+above > highestPort {
		return Topology{}, fmt.Errorf("port base %d leaves no room for souk's ports (1 to %d)", base, highestPort-above)
	}
	return Topology{base: base, replicas: replicas}, nil
}

// Names lists every service, the gateway first and the provider last.
func Names() []string { return append(ours(), PSP) }

func ours() []string { return []string{"gateway", "user", "inventory", "order", "payment", "points"} }

// Databases lists the services that keep data on the SQL engine, each in a
// database of its own name.
func Databases() []string {
	return slices.DeleteFunc(ours(), func(name string) bool { return storageOf(name) != Database })
}

func storageOf(name string) Storage {
	switch name {
	case "gateway":
		return NoStorage
	case PSP:
		return File
	}
	return Database
}

// Services lists every replica of every service, the gateway's first.
func (t Topology) Services() []Service {
	var all []Service
	for _, name := range Names() {
		all = append(all, t.replicasOf(name)...)
	}
	return all
}

// Replicas lists the replicas of one service.
func (t Topology) Replicas(name string) ([]Service, error) {
	if !slices.Contains(Names(), name) {
		return nil, fmt.Errorf("no service %q; there are %v", name, Names())
	}
	return t.replicasOf(name), nil
}

func (t Topology) replicasOf(name string) []Service {
	first, n := slices.Index(ours(), name), t.replicas
	if name == PSP {
		first, n = pspOffset, 1
	}
	all := make([]Service, n)
	for i := range all {
		port := t.base + first + i*replicaOffset
		all[i] = Service{Name: name, Replica: i + 1, Port: port, Admin: port + adminOffset, Storage: storageOf(name)}
	}
	return all
}

// Service finds one replica of a service.
func (t Topology) Service(name string, replica int) (Service, error) {
	all, err := t.Replicas(name)
	if err != nil {
		return Service{}, err
	}
	if replica < 1 || replica > len(all) {
		return Service{}, fmt.Errorf("no replica %d of %s; there are %d", replica, name, len(all))
	}
	return all[replica-1], nil
}

// Gateway is where clients go.
func (t Topology) Gateway() Service { return t.Services()[0] }

// Base is the gateway's port, from which the others follow.
func (t Topology) Base() int { return t.base }

// RedisPort is where Redis listens.
func (t Topology) RedisPort() int { return t.base + redisOffset }

// KafkaPort is where the broker listens.
func (t Topology) KafkaPort() int { return t.base + kafkaOffset }

// Port is one port souk needs and what for.
type Port struct {
	Number int
	Use    string
}

// Ports lists the ports that a replica listens on.
func (s Service) Ports() []Port { return []Port{{s.Port, s.Name}, {s.Admin, s.Name + " admin"}} }

// Ports lists every port that souk listens on with embedded engines.
func (t Topology) Ports() []Port {
	ports := []Port{{t.RedisPort(), "redis"}, {t.KafkaPort(), "kafka"}}
	for _, s := range t.Services() {
		ports = append(ports, s.Ports()...)
	}
	return ports
}

// Loopback is the local address of a port.
func Loopback(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
