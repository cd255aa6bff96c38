package e2e

import (
	"net/http"
	"testing"
)

// Whom an administrator shuts out is shut out at every edge, and only he.
func TestABlockedUserIsTurnedAway(t *testing.T) {
	boss, victim, bystander := admin(t, shared), newcomer(t, shared), newcomer(t, shared)
	path := "/v1/admin/blocks/user:" + victim.id
	r, err := boss.send(http.MethodPut, path, "", jsonType, []byte(`{"reason":"chargebacks"}`))
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("block: %d %s, %v", r.status, r.body, err)
	}
	for _, service := range runJSON[status](t, shared, "status").Services {
		if service.Name != "gateway" {
			continue
		}
		eventually(t, soon, "the block to be in force at "+service.URL, func() bool {
			r := victim.meAt(t, service.URL)
			return r.status == http.StatusForbidden && r.code() == "blocked"
		})
		bystander.meAt(t, service.URL).expect(t, http.StatusOK)
	}
	if r, err := boss.send(http.MethodDelete, path, "", jsonType, nil); err != nil || r.status != http.StatusNoContent {
		t.Fatalf("unblock: %d %s, %v", r.status, r.body, err)
	}
	eventually(t, soon, "the user to be let in again", func() bool { return victim.get(t, "/v1/me").status == http.StatusOK })
}

// meAt asks one edge who the customer is.
func (c *customer) meAt(t *testing.T, edge string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, edge+"/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	r, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
