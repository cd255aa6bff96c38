package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/redis/go-redis/v9"
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
	login := map[string]any{"email": victim.email, "password": newcomersPassword}
	if r := (&customer{souk: shared}).post(t, "/v1/sessions", "", login); r.status != http.StatusForbidden || r.code() != "blocked" {
		t.Errorf("login: %d %s", r.status, r.body)
	}
	wipeRedis(t, shared)
	if r := victim.get(t, "/v1/me"); r.status != http.StatusForbidden {
		t.Errorf("after Redis lost everything: %d %s", r.status, r.body)
	}
	if r, err := boss.send(http.MethodDelete, path, "", jsonType, nil); err != nil || r.status != http.StatusNoContent {
		t.Fatalf("unblock: %d %s, %v", r.status, r.body, err)
	}
	eventually(t, soon, "the user to be let in again", func() bool { return victim.get(t, "/v1/me").status == http.StatusOK })
}

func wipeRedis(t *testing.T, s *souk) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", s.base+299)})
	defer func() { _ = client.Close() }()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// A block outlives a restart of everything, engines included.
func TestABlockOutlivesARestart(t *testing.T) {
	s := ownSouk(t)
	boss, victim := admin(t, s), newcomer(t, s)
	r, err := boss.send(http.MethodPut, "/v1/admin/blocks/user:"+victim.id, "", jsonType, []byte(`{"reason":"chargebacks"}`))
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("block: %d %s, %v", r.status, r.body, err)
	}
	if r := s.run("down"); r.code != 0 {
		t.Fatal(r)
	}
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	eventually(t, soon, "the block to be in force again", func() bool {
		r := victim.meAt(t, s.url(""))
		return r.status == http.StatusForbidden && r.code() == "blocked"
	})
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
