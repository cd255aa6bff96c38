package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Of two watches one audits; when it ends the other takes over.
func TestOneOfTwoWatchesAudits(t *testing.T) {
	first, second := watchAudit(t), watchAudit(t)
	audits := func(w *watch) bool { return w.shows(`souk_audit_rounds_total{result="clean"}`) }
	eventually(t, patience, "a watch to audit", func() bool { return audits(first) || audits(second) })
	leader, other := first, second
	if audits(second) {
		leader, other = second, first
	}
	eventually(t, patience, "the other to stand by", func() bool { return other.shows(`souk_audit_rounds_total{result="idle"}`) })
	if audits(first) && audits(second) {
		t.Error("both audit")
	}
	if !leader.shows("souk_audit_clean 1") || other.shows("souk_audit_clean 1") {
		t.Errorf("the leader shows\n%s\nthe other\n%s", leader.scrape(), other.scrape())
	}
	leader.end(t)
	eventually(t, patience, "the other to take over", func() bool { return audits(other) })
}

// watch is a `souk audit --watch` under way.
type watch struct {
	cmd *exec.Cmd
	url string
}

func watchAudit(t *testing.T) *watch {
	t.Helper()
	port := freeBase()
	w := &watch{url: fmt.Sprintf("http://127.0.0.1:%d/metrics", port)}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	w.cmd = exec.CommandContext(ctx, shared.bin, "audit", "--watch", "--every", "1s", "--metrics", fmt.Sprintf("127.0.0.1:%d", port))
	w.cmd.Env = append(os.Environ(), "SOUK_HOME="+shared.home, "SOUK_PORT_BASE="+strconv.Itoa(shared.base))
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = w.cmd.Wait() })
	return w
}

func (w *watch) end(t *testing.T) {
	t.Helper()
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = w.cmd.Wait() // 143, or what the round that was cut short says
}

func (w *watch) shows(line string) bool { return strings.Contains(w.scrape(), "\n"+line) }

func (w *watch) scrape() string {
	resp, err := http.Get(w.url)
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}
