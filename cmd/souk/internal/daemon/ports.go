package daemon

import (
	"context"
	"fmt"
	"net"

	psnet "github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"

	"souk.example/cmd/souk/internal/topology"
)

// PortTakenError names a port souk needs and who has it.
type PortTakenError struct {
	Port  topology.Port
	Owner string // "pid 17 (nginx)", or "another process" when that cannot be told
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("port %d (%s) is taken by %s; stop it, or choose other ports with SOUK_PORT_BASE", e.Port.Number, e.Port.Use, e.Owner)
}

// CheckPorts returns a *PortTakenError for the first port that cannot be bound.
func CheckPorts(ctx context.Context, ports []topology.Port) error {
	var lc net.ListenConfig
	for _, p := range ports {
		l, err := lc.Listen(ctx, "tcp", topology.Loopback(p.Number))
		if err != nil {
			return &PortTakenError{Port: p, Owner: owner(ctx, p.Number)}
		}
		_ = l.Close()
	}
	return nil
}

// owner describes who listens on the port, as far as this user may know.
func owner(ctx context.Context, port int) string {
	const unknown = "another process"
	conns, err := psnet.ConnectionsWithContext(ctx, "tcp")
	if err != nil {
		return unknown
	}
	for _, c := range conns {
		if int(c.Laddr.Port) == port && c.Status == "LISTEN" && c.Pid > 0 {
			return describe(ctx, c.Pid)
		}
	}
	return unknown
}

func describe(ctx context.Context, pid int32) string {
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return fmt.Sprintf("pid %d", pid)
	}
	name, err := p.NameWithContext(ctx)
	if err != nil {
		return fmt.Sprintf("pid %d", pid)
	}
	return fmt.Sprintf("pid %d (%s)", pid, name)
}
