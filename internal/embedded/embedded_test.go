package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"souk.example/internal/embedded"
)

const (
	topic = "orders"
	group = "readers"
)

// childDir, when set, makes this test binary host the engines instead of
// running tests, so that a test can kill -9 them.
const childDir = "SOUK_TEST_EMBEDDED_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		host(dir)
		return
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

func testConfig(dir string) embedded.Config {
	return embedded.Config{Dir: dir, Topics: []string{topic}, Partitions: 2}
}

func host(dir string) {
	e, err := embedded.Start(testConfig(dir), slog.Default())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(e.KafkaAddr())
	select {}
}

// spawn starts a child process that hosts the engines on dir.
func spawn(t *testing.T, dir string) (child *exec.Cmd, kafkaAddr string) {
	t.Helper()
	child = exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("child said nothing: %v", err)
	}
	return child, strings.TrimSpace(line)
}

func kill9(child *exec.Cmd) {
	_ = child.Process.Kill()
	_ = child.Wait()
}

func TestKafkaKeepsWhatItAcknowledgedThroughKill9(t *testing.T) {
	dir := t.TempDir()
	acked := 0
	for round := range 3 {
		child, addr := spawn(t, dir)
		c := client(t, addr)
		var sent atomic.Int64
		done := make(chan int, 1)
		go func() {
			done <- produce(t, c, acked, func(next int) bool { sent.Store(int64(next)); return false })
		}()
		waitFor(t, "some records", func() bool { return int(sent.Load()) > acked+200 })
		commit(t, c, int64(acked)+100)
		kill9(child)
		was := acked
		acked = <-done

		e := start(t, dir)
		c = client(t, e.KafkaAddr())
		if got := committed(t, c); got != int64(was)+100 {
			t.Fatalf("round %d: group committed %d, after the restart it is %d", round, was+100, got)
		}
		found := numbers(t, c)
		for n := range acked {
			if !found[n] {
				t.Fatalf("round %d: record %d of %d acknowledged is lost", round, n, acked)
			}
		}
		e.Close()
	}
}

func TestOffsetsCommittedAfterATornTailAreKept(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	c := client(t, e.KafkaAddr())
	produce(t, c, 0, func(next int) bool { return next == 10 })
	commit(t, c, 3)
	e.Close()

	tear(t, filepath.Join(dir, "kafka", "groups.log"))
	e = start(t, dir)
	commit(t, client(t, e.KafkaAddr()), 7)
	// No Close: it would rewrite the log whole. What matters is what a kill leaves.
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}

	again := start(t, copied)
	if got := committed(t, client(t, again.KafkaAddr())); got != 7 {
		t.Errorf("committed offset after the restart is %d, want 7", got)
	}
}

// tear leaves half an entry at the end of a log, as a kill in mid-write does.
func tear(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte{200, 0, 0, 0, 1, 2, 3, 4, 1, 0, '{'}); err != nil {
		t.Fatal(err)
	}
}

func TestTopicsAddedLaterAreCreated(t *testing.T) {
	dir := t.TempDir()
	start(t, dir).Close()
	cfg := testConfig(dir)
	cfg.Topics = append(cfg.Topics, "later")
	e, err := embedded.Start(cfg, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	parts, err := client(t, e.KafkaAddr()).Partitions("later")
	if err != nil || len(parts) != 2 {
		t.Errorf("partitions of the later topic: %v, %v", parts, err)
	}
}

func TestRedisKeysExpire(t *testing.T) {
	e := start(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- e.Run(ctx) }()

	rdb := redis.NewClient(&redis.Options{Addr: e.RedisAddr()})
	defer rdb.Close()
	if err := rdb.Set(ctx, "k", "v", 300*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the key to expire", func() bool { return rdb.Exists(ctx, "k").Val() == 0 })
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	e := start(t, t.TempDir())
	_, port, _ := strings.Cut(e.KafkaAddr(), ":")
	cfg := testConfig(t.TempDir())
	cfg.KafkaPort, _ = strconv.Atoi(port)
	_, err := embedded.Start(cfg, slog.Default())
	if err == nil || !strings.Contains(err.Error(), port) {
		t.Errorf("error %v does not name port %s", err, port)
	}
}

func start(t *testing.T, dir string) *embedded.Engines {
	t.Helper()
	e, err := embedded.Start(testConfig(dir), slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
