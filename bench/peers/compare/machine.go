package compare

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Machine is where and when a run took place, and with what.
type Machine struct {
	Date  string `json:"date"`
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Load  string `json:"load"` // the load average of a minute, before the run
	Redis string `json:"redis"`
	Go    string `json:"go"`
	// Peers are the versions of the libraries compared, by module path.
	Peers map[string]string `json:"peers"`
}

func describe(ctx context.Context) Machine {
	return Machine{
		Date: time.Now().UTC().Format(time.DateOnly), CPU: cpu(), Cores: runtime.NumCPU(), Load: load(),
		Redis: redisVersion(ctx), Go: strings.TrimPrefix(runtime.Version(), "go"), Peers: modules(),
	}
}

func cpu() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	if m := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(info); m != nil {
		return string(m[1])
	}
	return runtime.GOARCH
}

func load() string {
	averages, _ := os.ReadFile("/proc/loadavg")
	minute, _, _ := strings.Cut(string(averages), " ")
	if minute == "" {
		return "unknown"
	}
	return minute
}

func redisVersion(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, "redis-server", "--version").Output()
	if m := regexp.MustCompile(`v=(\S+)`).FindSubmatch(out); m != nil {
		return string(m[1])
	}
	return "unknown"
}

// peers matches the modules that are compared.
var peers = regexp.MustCompile(`^github\.com/(redis/go-redis/v9|redis/rueidis.*|dtm-labs/rockscache|go-redis/(cache|redis_rate)/.*|zeromicro/go-zero|eko/gocache/.*|go-redsync/redsync/.*|bsm/redislock|bwmarrin/snowflake|sony/sonyflake|google/uuid|throttled/throttled/.*)$`)

func modules() map[string]string {
	out := make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return out
	}
	for _, m := range info.Deps {
		if peers.MatchString(m.Path) {
			out[m.Path] = m.Version
		}
	}
	return out
}
