package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
)

// addressLine names an address; its other fields are always the same.
func addressLine(line string, isDefault bool) map[string]any {
	return map[string]any{
		"recipient": "E2E", "phone": "+86 10 1234", "line1": line, "city": "Beijing", "country": "CN", "default": isDefault,
	}
}

// addressLines are the customer's addresses, the default marked.
func (c *customer) addressLines(t *testing.T) (all string) {
	t.Helper()
	r := c.get(t, "/v1/addresses")
	r.expect(t, http.StatusOK)
	for _, item := range r.json(t)["items"].([]any) {
		a := item.(map[string]any)
		all += a["line1"].(string)
		if a["default"] == true {
			all += "*"
		}
		all += " "
	}
	return all
}

func (c *customer) addAddress(t *testing.T, body map[string]any) (path string) {
	t.Helper()
	r := c.post(t, "/v1/addresses", "", body)
	r.expect(t, http.StatusCreated)
	return "/v1/addresses/" + r.json(t)["id"].(string)
}

// change sends a PUT with a body, or a DELETE without one.
func (c *customer) change(t *testing.T, path string, body map[string]any) reply {
	t.Helper()
	method, raw := http.MethodDelete, []byte(nil)
	if body != nil {
		method = http.MethodPut
		raw, _ = json.Marshal(body)
	}
	r, err := c.send(method, path, "", jsonType, raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A user's addresses are kept, changed and forgotten, by the user alone.
func TestAddresses(t *testing.T) {
	alice, mallory := newcomer(t, shared), newcomer(t, shared)
	home, work := alice.addAddress(t, addressLine("home", false)), alice.addAddress(t, addressLine("work", true))
	if got := alice.addressLines(t); got != "home work* " {
		t.Errorf("added: %s", got)
	}
	for _, r := range []reply{mallory.change(t, home, addressLine("hers", true)), mallory.change(t, home, nil), mallory.change(t, "/v1/addresses/1", nil)} {
		if r.status != http.StatusNotFound || r.code() != "address_not_found" {
			t.Errorf("somebody else: %d %s", r.status, r.body)
		}
	}
	if got := mallory.addressLines(t); got != "" {
		t.Errorf("somebody else sees %s", got)
	}
	if r := alice.change(t, home, addressLine("", true)); r.status != http.StatusUnprocessableEntity || r.code() != "invalid_address" {
		t.Errorf("no line: %d %s", r.status, r.body)
	}
	alice.change(t, home, addressLine("new home", true)).expect(t, http.StatusOK)
	if got := alice.addressLines(t); got != "new home* work " {
		t.Errorf("replaced: %s", got)
	}
	alice.change(t, work, nil).expect(t, http.StatusNoContent)
	if got := alice.addressLines(t); got != "new home* " {
		t.Errorf("deleted: %s", got)
	}
}
