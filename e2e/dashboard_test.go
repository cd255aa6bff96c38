package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
)

// The dashboard says what each part's own route says.
func TestTheDashboardIsItsParts(t *testing.T) {
	c := saver(t)
	for range 5 {
		c.settled(t, c.place(t, buyingByCard("SKU-0015", "tok_declined")).ID, soon)
	}
	var r reply
	var parts map[string]json.RawMessage
	eventually(t, soon, "the dashboard and its parts to say the same", func() bool { // late facts may still come in
		r = c.get(t, "/v1/dashboard")
		r.expect(t, http.StatusOK)
		return json.Unmarshal(r.body, &parts) == nil &&
			string(parts["orders"]) == string(c.get(t, "/v1/orders?limit=5").body) &&
			string(parts["wallet"]) == string(c.get(t, "/v1/wallet").body) &&
			string(parts["points"]) == string(c.get(t, "/v1/points").body)
	})
	if string(parts["partial"]) != "[]" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("partial %s, %v", parts["partial"], r.header)
	}
	c.methods(t, "/v1/dashboard")
}

// methods wants HEAD and OPTIONS, and nothing that changes, of a path to read.
func (c *customer) methods(t *testing.T, path string) {
	t.Helper()
	for method, status := range map[string]int{http.MethodHead: 200, http.MethodOptions: 204, http.MethodPut: 405, http.MethodDelete: 405} {
		r, err := c.send(method, path, "", "", nil)
		if err != nil || r.status != status || status == 405 && r.header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: %v, %d %v", method, err, r.status, r.header)
		}
	}
	if r, err := (&customer{souk: c.souk}).send(http.MethodGet, path, "", "", nil); err != nil || r.status != http.StatusUnauthorized {
		t.Errorf("without a token: %v, %d", err, r.status)
	}
}
