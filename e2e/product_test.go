package e2e

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
)

// levels is a SKU's stock as an administrator sees it.
type levels struct {
	Available int64 `json:"available"`
	Reserved  int64 `json:"reserved"`
	Sold      int64 `json:"sold"`
	Initial   int64 `json:"initial"`
	Adjusted  int64 `json:"adjusted"`
}

// product puts a new SKU with that many units on sale and waits until it can
// be ordered.
func product(t *testing.T, s *souk, units int) string {
	t.Helper()
	sku := "E2E-" + rand.Text()[:12]
	boss := admin(t, s)
	boss.post(t, "/v1/admin/products", rand.Text(), map[string]any{
		"sku": sku, "name": "Test piece", "description": "for tests", "image_url": "",
		"price": map[string]any{"amount": 100, "currency": "CNY"},
	}).expect(t, http.StatusCreated)
	boss.post(t, "/v1/admin/stock/"+sku+"/adjustments", rand.Text(), map[string]any{
		"delta": units, "reason": "test",
	}).expect(t, http.StatusCreated)
	probe := newcomer(t, s) // its order is refused: it costs no stock
	var r reply
	eventually(t, soon, "order to know the price of "+sku, func() bool {
		r = probe.post(t, "/v1/orders", rand.Text(), buying(sku, units+1))
		return r.status == http.StatusCreated
	})
	probe.settled(t, decodeOrder(t, r).ID, patience) // or it might be granted what comes later
	return sku
}

func stock(t *testing.T, s *souk, sku string) levels {
	t.Helper()
	r := admin(t, s).get(t, "/v1/admin/stock/"+sku)
	r.expect(t, http.StatusOK)
	var l levels
	if err := json.Unmarshal(r.body, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// ownSouk starts a platform for one test.
func ownSouk(t *testing.T, env ...string) *souk {
	t.Helper()
	s, err := newSouk(filepath.Dir(shared.bin), filepath.Join(t.TempDir(), "home"), env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	return s
}
