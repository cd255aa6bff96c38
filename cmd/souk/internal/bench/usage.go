package bench

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/process"
)

// usage is the CPU time used up to one moment.
type usage struct {
	at        time.Time
	processes map[string]time.Duration // of the stack, by name
	self      time.Duration            // the load generator's
	machine   time.Duration            // everybody's, on all cores
}

// readUsage reads the clocks the kernel keeps (on Linux in /proc), which
// advance in steps of about 10 ms. A process that is gone is an error.
func readUsage(ctx context.Context, processes []Process) (usage, error) {
	u := usage{at: time.Now(), processes: make(map[string]time.Duration, len(processes))}
	for _, p := range processes {
		used, err := cpuOf(ctx, p.PID)
		if err != nil {
			return u, fmt.Errorf("CPU of %s (process %d): %w", p.Name, p.PID, err)
		}
		u.processes[p.Name] = used
	}
	var err error
	if u.self, err = cpuOf(ctx, os.Getpid()); err != nil {
		return u, err
	}
	all, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return u, err
	}
	t := all[0]
	u.machine = seconds(t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal)
	return u, nil
}

func cpuOf(ctx context.Context, pid int) (time.Duration, error) {
	p, err := process.NewProcessWithContext(ctx, int32(pid))
	if err != nil {
		return 0, err
	}
	t, err := p.TimesWithContext(ctx)
	if err != nil {
		return 0, err
	}
	return seconds(t.User + t.System), nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// since is what was used after an earlier reading.
func (u usage) since(before usage) usage {
	d := usage{at: u.at, processes: make(map[string]time.Duration), self: u.self - before.self, machine: u.machine - before.machine}
	for name, used := range u.processes {
		d.processes[name] = used - before.processes[name]
	}
	return d
}

// stack is what all processes of the stack used.
func (u usage) stack() (sum time.Duration) {
	for _, used := range u.processes {
		sum += used
	}
	return sum
}
