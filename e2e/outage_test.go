package e2e

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// Services outlive their engines: while those are away each stays ready and
// refuses what it cannot do; a request repeated afterwards is carried out.
func TestEnginesMayBeAwayForAWhile(t *testing.T) {
	if !native() {
		t.Skip("embedded engines live and die with the services")
	}
	s := ownSouk(t)
	c := richCustomers(t, s, 1)[0]
	s.infra(t, "down")
	key := rand.Text()
	if r := c.post(t, "/v1/orders", key, buying("SKU-0001", 1)); r.status != http.StatusServiceUnavailable && r.status != http.StatusGatewayTimeout {
		t.Errorf("an order without engines: %d %s", r.status, r.body)
	}
	for _, service := range runningServices(t, s) {
		if !service.Ready {
			t.Errorf("%s-%d is not ready while the engines are away", service.Name, service.Replica)
		}
	}
	s.infra(t, "up")
	var r reply
	eventually(t, soon, "the order to be taken", func() bool {
		r = c.post(t, "/v1/orders", key, buying("SKU-0001", 1))
		return r.status == http.StatusCreated
	})
	c.settled(t, decodeOrder(t, r).ID, soon)
	if n := len(orders(t, c)); n != 1 {
		t.Errorf("one key placed %d orders", n)
	}
	s.restsClean(t)
}

// Kafka carries what is decided and Redis makes it fast: without either an
// order is taken all the same.
func TestOrdersAreTakenWithoutKafkaAndWithoutRedis(t *testing.T) {
	if !native() {
		t.Skip("embedded engines live and die with the services")
	}
	for _, away := range []string{"kafka", "redis"} {
		t.Run(away, func(t *testing.T) {
			s := ownSouk(t)
			c := richCustomers(t, s, 1)[0]
			for _, engine := range runJSON[status](t, s, "status").Engines {
				if engine.Name == away {
					kill9(t, engine.PID)
				}
			}
			o := c.buy(t, "SKU-0001", 1)
			s.infra(t, "up")
			if o = c.settled(t, o.ID, time.Minute); o.Status != "COMPLETED" {
				t.Errorf("the order is %s", o.Status)
			}
			s.restsClean(t)
		})
	}
}

func (s *souk) infra(t *testing.T, verb string) {
	t.Helper()
	if r := s.run("infra", verb); r.code != 0 {
		t.Fatalf("souk infra %s: exit %d\n%s", verb, r.code, r.stderr)
	}
}

// runningServices wants a process behind every replica.
func runningServices(t *testing.T, s *souk) []serviceStatus {
	t.Helper()
	var report status
	r := s.run("status", "--json") // exits 1, because the engines are not there
	if err := json.Unmarshal([]byte(r.stdout), &report); err != nil || r.code != 1 {
		t.Fatalf("souk status: exit %d, %v\n%s", r.code, err, r.stderr)
	}
	for _, service := range report.Services {
		if service.PID == 0 {
			t.Fatalf("%s-%d has ended", service.Name, service.Replica)
		}
	}
	return report.Services
}
