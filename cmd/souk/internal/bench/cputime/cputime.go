// Package cputime reads how much CPU processes have used.
package cputime

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/process"
)

// Process is one process whose CPU counts.
type Process struct {
	Name string // unique
	PID  int
}

// Reading is the CPU time used up to one moment, or between two.
type Reading struct {
	At        time.Time
	Processes map[string]time.Duration // by name
	Self      time.Duration            // this process's
	Machine   time.Duration            // everybody's, on all cores
}

// Read reads the clocks the kernel keeps (on Linux in /proc), which advance in
// steps of about 10 ms. A process that is gone is an error.
func Read(ctx context.Context, processes []Process) (Reading, error) {
	r := Reading{At: time.Now(), Processes: make(map[string]time.Duration, len(processes))}
	for _, p := range processes {
		used, err := of(ctx, p.PID)
		if err != nil {
			return r, fmt.Errorf("CPU of %s (process %d): %w", p.Name, p.PID, err)
		}
		r.Processes[p.Name] = used
	}
	var err error
	if r.Self, err = of(ctx, os.Getpid()); err != nil {
		return r, err
	}
	all, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return r, err
	}
	t := all[0]
	r.Machine = seconds(t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal)
	return r, nil
}

func of(ctx context.Context, pid int) (time.Duration, error) {
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

// Since is what was used after an earlier reading.
func (r Reading) Since(before Reading) Reading {
	d := Reading{At: r.At, Processes: make(map[string]time.Duration), Self: r.Self - before.Self, Machine: r.Machine - before.Machine}
	for name, used := range r.Processes {
		d.Processes[name] = used - before.Processes[name]
	}
	return d
}

// Sum is what all processes used, this one not among them.
func (r Reading) Sum() (sum time.Duration) {
	for _, used := range r.Processes {
		sum += used
	}
	return sum
}
