package e2e

import (
	"crypto/rand"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"souk.example/pkg/database"
)

// disaster is a souk that is lost after it was backed up.
type disaster struct {
	t         *testing.T
	souk      *souk
	customers []*customer
	backup    string
	over      time.Time // when it was taken

	before, later []placed        // attempts to buy that were answered before the backup began, and the others
	unpaidPoints  string          // an order, PAID in the backup, that Kafka alone was to tell points of
	givenBack     string          // an order, COMPLETED in the backup, that was RETURNED when all was lost
	unknown       map[string]bool // orders that were charged, and that the backup does not hold
}

// withdrawn is a SKU, withdrawn in the backup, of which Kafka alone was to tell
// order.
const withdrawn = "SKU-0501"

// sell backs souk up while it sells, a third of it by card. Afterwards it gives one
// order back, and one more is charged at least.
func (d *disaster) sell() {
	const sku = "SKU-0500"
	stop, work := make(chan struct{}), make(chan int)
	end := sync.OnceFunc(func() { close(stop) })
	go metered(work, stop, 50, new(atomic.Int64))
	answers := carryOut(d.t, d.customers, work, buying(sku, 1), buying(sku, 1), buyingByCard(sku, "tok_ok"))
	defer func() { // also of a test that gives up: no client may wait for us
		end()
		for range answers {
		}
	}()
	c := d.customers[0]
	d.givenBack = c.settled(d.t, c.place(d.t, buyingByCard(sku, "tok_ok")).ID, patience).ID
	d.before = takeAcknowledged(d.t, answers, 50)
	d.later = takeWhile(answers, func() { d.backUp(sku) })
	d.later = append(d.later, takeWhile(answers, func() {
		d.unknown[c.settled(d.t, c.place(d.t, buyingByCard(sku, "tok_ok")).ID, patience).ID] = true
		d.giveBack()
	})...)
	end()
	for p := range answers {
		d.later = append(d.later, p)
	}
}

func (d *disaster) giveBack() {
	d.customers[0].giveBack(d.t, d.givenBack).expect(d.t, http.StatusAccepted)
	d.customers[0].returned(d.t, d.givenBack)
}

// backUp backs up while Kafka alone holds something for points and for order.
func (d *disaster) backUp(sku string) {
	db, c := d.souk.adversary(d.t), d.customers[0]
	defer d.stop("points")()
	d.unpaidPoints = c.buy(d.t, sku, 1).ID
	eventually(d.t, patience, "an order to be paid", func() bool { return c.order(d.t, d.unpaidPoints).Status == "PAID" })
	d.published(db, "order")
	boss := admin(d.t, d.souk)
	defer d.stop("order")()
	r, err := boss.send(http.MethodPatch, "/v1/admin/products/"+withdrawn, "", jsonType, []byte(`{"withdrawn":true}`))
	if err != nil {
		d.t.Fatal(err)
	}
	r.expect(d.t, http.StatusOK)
	boss.post(d.t, "/v1/admin/products", rand.Text(), map[string]any{ // souk up waits until order knows its price
		"sku": "E2E-" + rand.Text()[:12], "name": "Test piece", "description": "for tests", "image_url": "",
		"price": map[string]any{"amount": 100, "currency": "CNY"},
	}).expect(d.t, http.StatusCreated)
	d.published(db, "inventory")
	d.script("backup.sh", d.backup)
	d.over = time.Now()
}

// stop stops every replica of a service until the returned function is called.
func (d *disaster) stop(name string) (resume func()) {
	var pids []int
	for _, s := range d.souk.services(d.t) {
		if s.Name == name {
			pids = append(pids, s.PID)
		}
	}
	signal := func(sig syscall.Signal) {
		for _, pid := range pids {
			if err := syscall.Kill(pid, sig); err != nil {
				d.t.Error(err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}

// published waits until what is now in a service's outbox is in Kafka alone.
func (d *disaster) published(db *database.DB, service string) {
	var last, left int64
	outbox := "`" + service + "`.outbox"
	if err := db.QueryRow(d.t.Context(), "SELECT COALESCE(MAX(id), 0) FROM "+outbox).Scan(&last); err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, patience, service+"'s events to be published", func() bool {
		err := db.QueryRow(d.t.Context(), "SELECT COUNT(*) FROM "+outbox+" WHERE id <= ?", last).Scan(&left)
		return err == nil && left == 0
	})
}

// strike loses every engine's data, and restores on new engines. What would
// overwrite something, or is not whole, is refused before.
func (d *disaster) strike() {
	d.refused("somebody is connected", "--replace", d.backup)
	if r := d.souk.run("down"); r.code != 0 {
		d.t.Fatalf("souk down: exit %d\n%s", r.code, r.stderr)
	}
	wipe(d.t, filepath.Join(d.souk.home, "native"))
	d.souk.infra(d.t, "up")
	d.refused("not what was backed up", d.damaged())
	d.t.Log(d.script("restore.sh", d.backup))
	d.refused("--replace drops them", d.backup)
	if err := d.souk.up(); err != nil {
		d.t.Fatal(err)
	}
}

// damaged is a copy of the backup whose end is missing.
func (d *disaster) damaged() string {
	raw, err := os.ReadFile(d.backup)
	if err != nil {
		d.t.Fatal(err)
	}
	sum, err := os.ReadFile(d.backup + ".sha256")
	if err != nil {
		d.t.Fatal(err)
	}
	path := filepath.Join(d.t.TempDir(), filepath.Base(d.backup))
	for name, content := range map[string][]byte{path: raw[:len(raw)-100], path + ".sha256": sum} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
	return path
}

func (d *disaster) refused(why string, args ...string) {
	if out, err := d.command("restore.sh", args...).CombinedOutput(); err == nil || !strings.Contains(string(out), why) {
		d.t.Errorf("restore.sh %v: %v\n%s", args, err, out)
	}
}

func (d *disaster) script(name string, args ...string) string {
	out, err := d.command(name, args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// command is a script that knows MariaDB's administrator.
func (d *disaster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(d.t.Context(), filepath.Join("..", "deploy", name), args...)
	cmd.Env = append(os.Environ(), "SOUK_BACKUP_DSN="+d.souk.adminDSN(d.t).Reveal())
	return cmd
}
