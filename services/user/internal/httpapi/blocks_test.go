package httpapi_test

import (
	"strings"
	"testing"

	"souk.example/pkg/auth"
	"souk.example/services/user/internal/password"
)

// boss is an administrator's token.
func (s service) boss(t *testing.T) string {
	t.Helper()
	token, _, err := s.minter.Minter.Mint(auth.Claims{UserID: 1, Role: auth.RoleAdmin})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestABlockedUserGetsNoToken(t *testing.T) {
	s := open(t, password.Config{})
	s.signUp(t, "alice@souk.example")
	access, refresh := s.logIn(t, "alice@souk.example")
	path := "/v1/admin/blocks/user:" + s.call(t, "GET", "/v1/me", access, "").body["id"].(string)

	got := s.call(t, "PUT", path, s.boss(t), `{"reason":"fraud"}`)
	if got.status != 200 || got.body["reason"] != "fraud" || got.body["blocked_by"] != "1" || got.body["since"] == nil {
		t.Fatalf("block: %d %s", got.status, got.raw)
	}
	if list := s.call(t, "GET", "/v1/admin/blocks", s.boss(t), ""); list.status != 200 || list.raw != `{"items":[`+got.raw+`]}` {
		t.Errorf("list: %d %s", list.status, list.raw)
	}
	login := `{"email":"alice@souk.example","password":"wonderland!"}`
	for name, r := range map[string]reply{"login": s.call(t, "POST", "/v1/sessions", "", login), "refresh": s.refresh(t, refresh)} {
		if r.status != 403 || r.body["code"] != "blocked" || strings.Contains(r.raw, "fraud") {
			t.Errorf("%s: %d %s", name, r.status, r.raw)
		}
	}
	// Only who proves to be her learns of it.
	if r := s.call(t, "POST", "/v1/sessions", "", strings.Replace(login, "!", "?", 1)); r.status != 401 {
		t.Errorf("wrong password: %d %s", r.status, r.raw)
	}
	if r := s.call(t, "DELETE", path, s.boss(t), ""); r.status != 204 {
		t.Errorf("unblock: %d %s", r.status, r.raw)
	}
	if r := s.call(t, "DELETE", path, s.boss(t), ""); r.status != 404 || r.body["code"] != "not_blocked" {
		t.Errorf("unblock twice: %d %s", r.status, r.raw)
	}
	if r := s.refresh(t, refresh); r.status != 200 {
		t.Errorf("refresh afterwards: %d %s", r.status, r.raw)
	}
	if n := s.changes.Load(); n != 2 {
		t.Errorf("%d changes were told, want 2", n)
	}
}

func TestWhoMayBlockWhom(t *testing.T) {
	s := open(t, password.Config{})
	s.signUp(t, "alice@souk.example")
	shopper, _ := s.logIn(t, "alice@souk.example")
	for name, c := range map[string]struct {
		token, path, body string
		status            int
		code, method      string
	}{
		"nobody":         {"", "user:7", `{"reason":"r"}`, 401, "unauthenticated", "PUT"},
		"a user":         {shopper, "user:8", `{"reason":"r"}`, 403, "forbidden", "PUT"},
		"a user reads":   {shopper, "", "", 403, "forbidden", "GET"},
		"oneself":        {s.boss(t), "user:1", `{"reason":"r"}`, 422, "invalid_subject", "PUT"},
		"no reason":      {s.boss(t), "user:7", `{}`, 422, "invalid_body", "PUT"},
		"a long reason":  {s.boss(t), "user:7", `{"reason":"` + strings.Repeat("r", 201) + `"}`, 422, "invalid_body", "PUT"},
		"ANSI":           {s.boss(t), "user:7", `{"reason":"\u001b[2J"}`, 422, "invalid_body", "PUT"},
		"turned around":  {s.boss(t), "user:7", `{"reason":"\u202edliub"}`, 422, "invalid_body", "PUT"},
		"no JSON":        {s.boss(t), "user:7", `reason`, 400, "malformed_json", "PUT"},
		"no kind":        {s.boss(t), "7", `{"reason":"r"}`, 400, "invalid_subject", "PUT"},
		"another form":   {s.boss(t), "user:007", `{"reason":"r"}`, 400, "invalid_subject", "PUT"},
		"nobody deletes": {"", "user:7", "", 401, "unauthenticated", "DELETE"},
	} {
		got := s.call(t, c.method, strings.TrimSuffix("/v1/admin/blocks/"+c.path, "/"), c.token, c.body)
		if got.status != c.status || got.body["code"] != c.code {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
	if got := s.call(t, "GET", "/v1/admin/blocks", s.boss(t), ""); got.raw != `{"items":[]}` || s.changes.Load() != 0 {
		t.Errorf("then the list is %s after %d changes", got.raw, s.changes.Load())
	}
}
