package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"souk.example/contracts"
	"souk.example/internal/embedded"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
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

// What a service lost of an order it is told again, and does again; of the
// others it does nothing twice.
func TestARepairHasWhatWasLostDoneAgain(t *testing.T) {
	s := ownSouk(t)
	c := newcomer(t, s)
	var last order
	for range 3 {
		last = c.settled(t, c.place(t, buyingByCard("SKU-0014", "tok_ok")).ID, patience)
	}
	s.restsClean(t)
	want := c.points(t)
	if r := s.run("audit", "--repair"); r.code != 0 || !strings.Contains(r.stdout, "clean") {
		t.Errorf("nothing to repair: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	s.forget(t, last.ID)
	if report, r := s.audit(t); r.code != 1 || report.Clean || len(report.Traces) != 1 || len(report.Traces[last.ID]) < 10 {
		t.Fatalf("points lost: exit %d, %+v", r.code, report)
	}
	if r := s.run("audit"); !strings.Contains(r.stdout, "\norder "+last.ID+"\n") || !strings.Contains(r.stdout, contracts.OrderCompleted.Name) {
		t.Errorf("the order is not traced:\n%s", r.stdout)
	}
	r := s.run("audit", "--repair")
	if r.code != 0 || !strings.Contains(r.stderr, "1 orders") {
		t.Errorf("repair: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	s.auditClean(t)
	if got := c.points(t); got != want {
		t.Errorf("the points are %+v, were %+v", got, want)
	}
}

// forget takes from the points service what it knows of an order's reward.
func (s *souk) forget(t *testing.T, id string) {
	t.Helper()
	db, schema := s.database(t, "points")
	err := db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE "+schema+"points_account SET balance = balance - (SELECT SUM(amount) FROM "+schema+"points_entry WHERE order_id = ?) "+
			"WHERE user_id = (SELECT MIN(user_id) FROM "+schema+"points_entry WHERE order_id = ?)", id, id)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "DELETE FROM "+schema+"points_entry WHERE order_id = ?", id)
		if err == nil && n == 0 {
			err = errors.New("there was no reward")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// database opens a service's database, and names what stands before its tables.
func (s *souk) database(t *testing.T, service string) (db *database.DB, schema string) {
	t.Helper()
	if native() {
		return s.adversary(t), service + "."
	}
	db, err := database.Open(t.Context(), database.Config{DSN: config.Secret(embedded.DSN(filepath.Join(s.home, "data"), service))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, ""
}
