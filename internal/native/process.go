package native

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	psutil "github.com/shirou/gopsutil/v4/process"
)

// pollEvery is the pause between looks at a process or a port.
const pollEvery = 50 * time.Millisecond

// process is an engine's process, as its pid file says. The zero value is none.
type process struct {
	PID     int    `json:"pid"`
	Started string `json:"started"` // see startOf
	Port    int    `json:"port"`
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
	partial := pidFile + ".partial" // whoever reads the file finds it whole
	if err := os.WriteFile(partial, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(partial, pidFile)
}

func (p process) none() bool { return p.PID == 0 }

// alive tells whether this very process still runs. One that is dead but not
// yet reaped by its parent does not.
func (p process) alive() bool {
	if p.PID <= 1 {
		return false
	}
	started, err := startOf(p.PID)
	return err == nil && started == p.Started
}

var errZombie = errors.New("the process has ended")

// startOf tells a process from any other that has had or will have its pid. It
// does not depend on the wall clock, which may be set while the process runs.
func startOf(pid int) (string, error) {
	found, err := psutil.NewProcess(int32(pid))
	if err != nil {
		return "", err
	}
	if status, err := found.Status(); err == nil && slices.Contains(status, psutil.Zombie) {
		return "", errZombie
	}
	if ticks, err := ticksOf(pid); err == nil {
		return ticks, nil
	}
	ms, err := found.CreateTime() // where there is no /proc, the kernel has kept it
	return strconv.FormatInt(ms, 10), err
}

// ticksOf is the boot the process belongs to and its start in clock ticks since
// (proc(5), field 22 of stat; the name before it may hold spaces and brackets).
func ticksOf(pid int) (string, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	const startTime = 22 - 3 // the fields after the name begin with the third
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= startTime {
		return "", fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	return strings.TrimSpace(string(boot)) + "/" + fields[startTime], nil
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
	started, _ := startOf(cmd.Process.Pid) // when it ended at once, whoever waits for it will see that
	go func() { _ = cmd.Wait() }()
	return process{PID: cmd.Process.Pid, Started: started}, nil
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
