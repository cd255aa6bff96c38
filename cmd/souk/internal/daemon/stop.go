package daemon

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

const pollEvery = 50 * time.Millisecond

// Stop asks the process that holds the pid file to end, waits for it to drain,
// and kills it after grace. It returns how the process ended. ErrNotRunning
// when there is nothing to stop.
func Stop(ctx context.Context, pidFile string, grace time.Duration) (killed bool, err error) {
	p, err := Find(pidFile)
	if err != nil {
		return false, err
	}
	if err := signal(p, syscall.SIGTERM); err != nil {
		return false, err
	}
	drain, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if gone(drain, pidFile) {
		return false, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err := signal(p, syscall.SIGKILL); err != nil {
		return false, err
	}
	if !gone(ctx, pidFile) {
		return true, ctx.Err()
	}
	return true, cleanUp(pidFile)
}

// cleanUp does what a process that was killed could not: nobody is to take its end
// for an accident.
func cleanUp(pidFile string) error {
	held, err := Hold(pidFile, Process{})
	if errors.Is(err, ErrRunning) { // another has begun
		return nil
	}
	if err != nil {
		return err
	}
	return held.Release()
}

func signal(p Process, s syscall.Signal) error {
	if p.PID <= 1 {
		return fmt.Errorf("the pid file names no process: %d", p.PID)
	}
	if err := syscall.Kill(p.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", p.PID, err)
	}
	return nil
}

// gone waits until nobody holds the pid file; false when ctx ends first.
func gone(ctx context.Context, pidFile string) bool {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		if _, err := Find(pidFile); errors.Is(err, ErrNotRunning) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
}

// RSS is the resident memory of a process in bytes, 0 when it cannot be read.
func RSS(ctx context.Context, pid int) uint64 {
	p, err := process.NewProcessWithContext(ctx, int32(pid))
	if err != nil {
		return 0
	}
	info, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return 0
	}
	return info.RSS
}
