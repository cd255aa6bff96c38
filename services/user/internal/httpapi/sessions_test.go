package httpapi_test

import (
	"sync"
	"testing"

	"souk.example/services/user/internal/password"
)

func TestRefreshRotatesAndReuseEndsTheSession(t *testing.T) {
	s := open(t, password.Config{})
	s.signUp(t, "alice@souk.example")
	access, first := s.logIn(t, "alice@souk.example")
	got := s.refresh(t, first)
	if got.status != 200 || got.body["refresh_token"] == first || got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("refresh: %d %s", got.status, got.raw)
	}
	second := got.body["refresh_token"].(string)
	if got := s.refresh(t, first); got.status != 401 || got.body["code"] != "invalid_refresh_token" {
		t.Errorf("reuse: %d %s", got.status, got.raw)
	}
	if got := s.refresh(t, second); got.status != 401 {
		t.Errorf("the family must be gone: %d %s", got.status, got.raw)
	}
	if got := s.call(t, "GET", "/v1/sessions", access, ""); len(got.body["items"].([]any)) != 0 {
		t.Errorf("sessions: %s", got.raw)
	}
	if got := s.call(t, "GET", "/v1/me", first, ""); got.status != 401 {
		t.Errorf("refresh token used as access token: %d", got.status)
	}
}

func TestLogout(t *testing.T) {
	s := open(t, password.Config{})
	s.signUp(t, "alice@souk.example")
	s.signUp(t, "mallory@souk.example")
	access, refresh := s.logIn(t, "alice@souk.example")
	_, elsewhere := s.logIn(t, "alice@souk.example")
	stranger, _ := s.logIn(t, "mallory@souk.example")

	list := s.call(t, "GET", "/v1/sessions?limit=1", access, "")
	items := list.body["items"].([]any)
	if len(items) != 1 || list.body["next_cursor"] == nil || items[0].(map[string]any)["current"] != true {
		t.Fatalf("sessions: %s", list.raw)
	}
	rest := s.call(t, "GET", "/v1/sessions?cursor="+list.body["next_cursor"].(string), access, "")
	items = rest.body["items"].([]any)
	if len(items) != 1 || rest.body["next_cursor"] != nil {
		t.Fatalf("second page: %s", rest.raw)
	}
	other := items[0].(map[string]any)["id"].(string)

	for _, path := range []string{other, "1", "abc"} { // somebody else's, nobody's, nonsense: one answer
		if got := s.call(t, "DELETE", "/v1/sessions/"+path, stranger, ""); got.status != 204 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := s.refresh(t, elsewhere); got.status != 200 {
		t.Errorf("a stranger ended the session: %d", got.status)
	} else {
		elsewhere = got.body["refresh_token"].(string)
	}
	if got := s.call(t, "DELETE", "/v1/sessions/"+other, access, ""); got.status != 204 {
		t.Errorf("close: %d", got.status)
	}
	if got := s.refresh(t, elsewhere); got.status != 401 {
		t.Errorf("refresh of a closed session: %d", got.status)
	}
	if got := s.call(t, "DELETE", "/v1/sessions/current", access, ""); got.status != 204 {
		t.Errorf("logout: %d", got.status)
	}
	if got := s.refresh(t, refresh); got.status != 401 {
		t.Errorf("refresh after logout: %d", got.status)
	}
	if got := s.call(t, "GET", "/v1/me", access, ""); got.status != 200 {
		t.Errorf("the access token lives out its time: %d", got.status)
	}
}

func TestBurstOfLoginsIsSentAway(t *testing.T) {
	s := open(t, password.Config{Concurrent: 1, Waiting: 1})
	var wg sync.WaitGroup
	replies := make(chan reply, 20)
	for range cap(replies) {
		wg.Go(func() {
			replies <- s.call(t, "POST", "/v1/sessions", "", `{"email":"alice@souk.example","password":"wonderland!"}`)
		})
	}
	wg.Wait()
	close(replies)
	sentAway := 0
	for r := range replies {
		switch r.status {
		case 401:
		case 429:
			sentAway++
			if r.header.Get("Retry-After") == "" || r.body["code"] != "too_many_logins" {
				t.Errorf("429: %v %s", r.header, r.raw)
			}
		default:
			t.Errorf("got %d %s", r.status, r.raw)
		}
	}
	if sentAway == 0 {
		t.Error("nobody was sent away")
	}
}
