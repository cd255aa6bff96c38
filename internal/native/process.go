package native

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	psutil "github.com/shirou/gopsutil/v4/process"
)

// pollEvery is the pause between looks at a process or a port.
const pollEvery = 50 * time.Millisecond

// startTolerance is how far two readings of one process's start may lie apart:
// they are reckoned from the machine's start, which is known to the second.
const startTolerance = 2 * time.Second

// process is an engine's process, as its pid file says. The zero value is none.
type process struct {
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"started_at"`
	Port      int       `json:"port"`
}

// findProcess returns the living process that a pid file names, or none. The
// file is stale when the pid is gone or was given to another process since.
func findProcess(pidFile string) process {
	raw, err := os.ReadFile(pidFile)
	if err != nil {
		return process{}
	}
	var p process
	if json.Unmarshal(raw, &p) != nil || !p.alive() {
		return process{}
	}
	return p
}

func (p process) save(pidFile string) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return os.WriteFile(pidFile, append(raw, '\n'), 0o600)
}

func (p process) none() bool { return p.PID == 0 }

// alive tells whether this very process still runs. One that is dead but not
// yet reaped by its parent does not.
func (p process) alive() bool {
	if p.PID <= 1 {
		return false
	}
	started, err := startOf(p.PID)
	return err == nil && started.Sub(p.StartedAt).Abs() <= startTolerance
}

var errZombie = errors.New("the process has ended")

func startOf(pid int) (time.Time, error) {
	found, err := psutil.NewProcess(int32(pid))
	if err != nil {
		return time.Time{}, err
	}
	if status, err := found.Status(); err == nil && slices.Contains(status, psutil.Zombie) {
		return time.Time{}, errZombie
	}
	ms, err := found.CreateTime()
	return time.UnixMilli(ms), err
}

// spawn starts cmd in a session of its own, so that it outlives this process
// and the terminal; its output is appended to the file logPath. A goroutine
// reaps it should it end first.
func spawn(cmd *exec.Cmd, logPath string) (process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return process{}, err
	}
	defer log.Close() // the child has its own copy
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return process{}, err
	}
	started, err := startOf(cmd.Process.Pid)
	if err != nil { // it ended at once: whoever waits for it will see that
		started = time.Now()
	}
	go func() { _ = cmd.Wait() }()
	return process{PID: cmd.Process.Pid, StartedAt: started}, nil
}

// stop asks the process to end and kills it after grace.
func (p process) stop(ctx context.Context, grace time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if p.awaitEnd(patience) == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.kill(ctx)
}

// kill ends the process without asking and waits until it is gone.
func (p process) kill(ctx context.Context) error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	return p.awaitEnd(ctx)
}

// signal does nothing when the process has ended: another may have its pid.
func (p process) signal(s syscall.Signal) error {
	if !p.alive() {
		return nil
	}
	if err := syscall.Kill(p.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", p.PID, err)
	}
	return nil
}

func (p process) awaitEnd(ctx context.Context) error {
	for p.alive() {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("process %d has not ended: %w", p.PID, err)
		}
	}
	return nil
}

// pause waits for one poll; an error when ctx ended.
func pause(ctx context.Context) error {
	timer := time.NewTimer(pollEvery)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
