package lockpeers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"souk.example/bench/peers/compare"
	"souk.example/bench/peers/engine"
)

// pausedHolder stops a holder that is a process of its own for longer than
// its lock lives, lets another write, and has the first write after it.
func pausedHolder(ctx context.Context, r *engine.Redis, lib library) (compare.Outcome, error) {
	first, err := startHolder(ctx, lib, r.Addr())
	if err != nil {
		return compare.Outcome{}, err
	}
	defer first.end()
	if err := first.expect("held"); err != nil {
		return compare.Outcome{}, err
	}
	if err := first.signal(syscall.SIGSTOP); err != nil {
		return compare.Outcome{}, err
	}
	second, err := lib.open(ctx, r.Addr(), ttl)
	if err != nil {
		return compare.Outcome{}, err
	}
	defer second.close()
	takeover, cancel := context.WithTimeout(ctx, 10*ttl)
	defer cancel()
	held, err := second.acquire(takeover, "work")
	if err != nil {
		return compare.Outcome{}, fmt.Errorf("take over: %w", err)
	}
	if _, err := write(ctx, r.Direct(), "second", held.fence()); err != nil {
		return compare.Outcome{}, err
	}
	if err := first.signal(syscall.SIGCONT); err != nil {
		return compare.Outcome{}, err
	}
	said, err := first.ask("write")
	if err != nil {
		return compare.Outcome{}, err
	}
	last, err := r.Direct().HGet(ctx, "{account}", "by").Result()
	return compare.Outcome{Hole: last != "second", Seen: "the first holder's late write was " + said}, err
}

// fencedWrite writes unless a higher fence has been seen. Without fences it
// has nothing to go by and writes.
var fencedWrite = redis.NewScript(`
local fence, seen = ARGV[2], redis.call('HGET', KEYS[1], 'fence') or '0'
if #fence < #seen or #fence == #seen and fence < seen then
  return 0
end
redis.call('HSET', KEYS[1], 'by', ARGV[1], 'fence', fence)
return 1`)

func write(ctx context.Context, rdb *redis.Client, by string, fence int64) (applied bool, err error) {
	return fencedWrite.Run(ctx, rdb, []string{"{account}"}, by, fmt.Sprint(fence)).Bool()
}

// holder is a child process that holds a lock and does as it is told.
type holder struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// holderArg is the first argument of such a child; the library's name and
// Redis' address follow.
const holderArg = "hold-a-lock"

func startHolder(ctx context.Context, lib library, addr string) (*holder, error) {
	cmd := exec.CommandContext(ctx, os.Args[0], holderArg, lib.name, addr)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a holder: %w", err)
	}
	return &holder{cmd, in, bufio.NewReader(out)}, nil
}

// end kills the child, which may well be stopped.
func (h *holder) end() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

func (h *holder) signal(s syscall.Signal) error { return h.cmd.Process.Signal(s) }

func (h *holder) ask(command string) (string, error) {
	if _, err := fmt.Fprintln(h.in, command); err != nil {
		return "", err
	}
	line, err := h.out.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (h *holder) expect(want string) error {
	line, err := h.out.ReadString('\n')
	if err == nil && strings.TrimSpace(line) != want {
		err = fmt.Errorf("the holder said %q, want %q", line, want)
	}
	return err
}

// HoldForParent makes this process a holder, when its arguments ask for that,
// and reports whether they did. It takes a lock, waits for a line on standard
// input, and then writes under the lock without looking whether it still has
// it, as a program does that was stopped between looking and writing.
func HoldForParent(ctx context.Context, args []string) (bool, error) {
	if len(args) != 3 || args[0] != holderArg {
		return false, nil
	}
	libs := []library{souk, redsyncs, bsm}
	i := slices.IndexFunc(libs, func(l library) bool { return l.name == args[1] })
	if i < 0 {
		return true, fmt.Errorf("no library %q", args[1])
	}
	return true, holdAndWrite(ctx, libs[i], args[2])
}

func holdAndWrite(ctx context.Context, lib library, addr string) error {
	locker, err := lib.open(ctx, addr, ttl)
	if err != nil {
		return err
	}
	defer locker.close()
	held, err := locker.acquire(ctx, "work")
	if err != nil {
		return err
	}
	rdb := engine.Plain(addr)
	defer func() { _ = rdb.Close() }()
	if err := rdb.Ping(ctx).Err(); err != nil {
		return err
	}
	fmt.Println("held")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	applied, err := write(ctx, rdb, "first", held.fence())
	if err != nil {
		return err
	}
	time.Sleep(ttl / 10) // the watchdog has woken too by now, if there is one
	fmt.Println(told(applied, held.lost()))
	return nil
}

func told(applied bool, lost <-chan struct{}) string {
	said := "refused by its fence"
	if applied {
		said = "applied"
	}
	select {
	case <-lost:
		return said + ", and its context has ended"
	default:
		return said
	}
}
