package e2e

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"souk.example/contracts"
)

// Databases, Kafka and Redis are lost with all that stood in them, and the
// databases come back as a backup found them, which was taken while souk sold.
// What was on its way at that moment, and lost with Kafka, is asked for again or
// sent again; what the provider did since is named by the audit. Nothing else is
// wrong.
func TestABackupIsRestored(t *testing.T) {
	if !native() || os.Getenv("SOUK_E2E_RESTORE") == "" {
		t.Skip("it takes two minutes, and native engines: make test-restore")
	}
	s := ownSouk(t, "SOUK_NUDGE_AFTER=5s", "SOUK_ORDER_PAY_WITHIN=2m")
	d := &disaster{
		t: t, souk: s, customers: richCustomers(t, s, 16), backup: filepath.Join(t.TempDir(), "souk.sql.gz"), unknown: map[string]bool{},
	}
	for _, step := range []struct {
		what string
		do   func()
	}{
		{"sold and backed up", d.sell}, {"lost and restored", d.strike}, {"asked for again", d.wantWhatWasBackedUp},
		{"sent again", d.replay}, {"settled with the provider", d.settleWithProvider}, {"audited", func() { s.restsClean(t) }},
	} {
		began := time.Now()
		step.do()
		t.Logf("%s after %s", step.what, time.Since(began).Round(time.Second))
	}
}

// wantWhatWasBackedUp wants every order that the backup holds to end, which are
// those that were acknowledged before it, and none of those placed after it. No
// group may stand where Kafka's new logs do not reach.
func (d *disaster) wantWhatWasBackedUp() {
	named, _ := d.audit()
	for subject := range named {
		if strings.HasPrefix(subject, "group ") {
			d.t.Errorf("the audit names %s", subject)
		}
	}
	held := d.held(d.before)
	if len(held) != acknowledged(d.before) {
		d.t.Errorf("the backup holds %d of the %d orders acknowledged before it", len(held), acknowledged(d.before))
	}
	for _, p := range d.held(d.later) {
		if held = append(held, p); p.began.After(d.over) {
			d.t.Errorf("the backup holds order %s, which was placed after it", p.id)
		}
	}
	counts := outcomes(d.t, held, 2*time.Minute)
	if o := d.customers[0].settled(d.t, d.unpaidPoints, patience); o.Status != "COMPLETED" {
		d.t.Errorf("an order whose points were asked for in vain is %s", o.Status)
	}
	d.t.Logf("%d orders are in the backup: %v; %d that are not were charged", len(held), counts, len(d.unknown))
}

// held are those of the acknowledged orders that are there. Of the others it
// notes what was charged.
func (d *disaster) held(orders []placed) (held []placed) {
	for _, p := range orders {
		if p.status != http.StatusCreated {
			continue
		}
		r := p.by.get(d.t, "/v1/orders/"+p.id)
		switch r.status {
		case http.StatusOK:
			held = append(held, p)
		case http.StatusNotFound:
			if len(d.souk.charges(d.t, p.id)) > 0 {
				d.unknown[p.id] = true
			}
		default:
			d.t.Errorf("order %s: %d %s", p.id, r.status, r.body)
		}
	}
	return held
}

// replay sends again what the services have said, as restore.sh tells.
func (d *disaster) replay() {
	if status := d.sells(withdrawn); status != http.StatusCreated {
		d.t.Errorf("void: %s is not sold (%d) though order was not told that it is withdrawn", withdrawn, status)
	}
	for _, group := range contracts.Groups() {
		if r := d.souk.run("replay", "--group", group, "--from", "1h"); r.code != 0 {
			d.t.Fatalf("souk replay: exit %d\n%s", r.code, r.stderr)
		}
	}
	eventually(d.t, soon, withdrawn+" to be withdrawn", func() bool { return d.sells(withdrawn) != http.StatusCreated })
}

// sells is how a wish to buy a product is answered.
func (d *disaster) sells(sku string) int {
	return d.customers[0].post(d.t, "/v1/orders", rand.Text(), buying(sku, 1)).status
}

// settleWithProvider wants the audit to name what the provider has done for
// nobody, and does what docs/operations.md says: charges of orders that nobody
// knows go back, and what was given back is returned once more, which the
// provider, asked under the same key, does not do again.
func (d *disaster) settleWithProvider() {
	charged := d.disagreements()
	again := "refund " + d.givenBack + ":return"
	if !charged[again] {
		d.t.Errorf("the audit does not name %s", again)
	}
	delete(charged, again)
	for order := range d.unknown {
		if !charged["order "+order] {
			d.t.Errorf("the audit does not name order %s, which was charged", order)
		}
	}
	for subject := range charged { // also of buyers who got no answer
		order := strings.TrimPrefix(subject, "order ")
		if of := d.souk.charges(d.t, order); len(of) == 1 {
			d.payBack(of[0], order)
		} else {
			d.t.Errorf("the audit names %s: %v", subject, of)
		}
	}
	d.giveBack()
}

// disagreements are what the audit names at rest.
func (d *disaster) disagreements() (named map[string]bool) {
	eventually(d.t, 2*time.Minute, "every order to come to rest", func() (atRest bool) {
		named, atRest = d.audit()
		return atRest
	})
	return named
}

// audit is what the audit names, without long waits.
func (d *disaster) audit() (named map[string]bool, atRest bool) {
	var report auditReport
	r := d.souk.run("audit", "--json", "--wait", "1s")
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil {
		d.t.Fatalf("souk audit: exit %d, %v\n%s", r.code, err, r.stderr)
	}
	named = map[string]bool{}
	for _, v := range report.Violations {
		named[v.Subject] = true
	}
	return named, report.AtRest
}

// payBack refunds a charge at the provider's own counter.
func (d *disaster) payBack(c charge, order string) {
	d.souk.askProvider(d.t, http.MethodPost, "/v1/refunds", map[string]any{"charge": c.ID, "amount": c.Amount, "reference": order}).expect(d.t, http.StatusCreated)
}
