package httpserver_test

import (
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

func TestAuthentication(t *testing.T) {
	private, public, _ := auth.GenerateKey()
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	if err != nil {
		t.Fatal(err)
	}
	token := func(role string) string {
		s, _, err := minter.Mint(auth.Claims{UserID: 7, Role: role})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	whoami := func(c *gin.Context) { c.String(200, "%d", httpserver.Caller(c).UserID) }
	r.GET("/me", httpserver.Authenticate(verifier), whoami)
	r.GET("/admin", httpserver.Authenticate(verifier), httpserver.RequireRole(auth.RoleAdmin), whoami)
	r.GET("/open", whoami)

	tests := []struct {
		path, header string
		status       int
		code         string
	}{
		{"/me", "Bearer " + token("user"), 200, ""},
		{"/me", "bearer " + token("user"), 200, ""},
		{"/me", "", 401, "unauthenticated"},
		{"/me", "Bearer", 401, "unauthenticated"},
		{"/me", "Bearer ", 401, "unauthenticated"},
		{"/me", "Basic dXNlcjpwYXNz", 401, "unauthenticated"},
		{"/me", "Bearer x.y.z", 401, "invalid_token"},
		{"/me", "Bearer " + strings.Repeat(".", 100_000), 401, "invalid_token"},
		{"/admin", "Bearer " + token("admin"), 200, ""},
		{"/admin", "Bearer " + token("user"), 403, "forbidden"},
		{"/admin", "", 401, "unauthenticated"},
		{"/open", "", 200, ""},
	}
	for _, tt := range tests {
		w := request(t, r, "GET", tt.path, "Authorization", tt.header, "X-User-Id", "1")
		if w.Code != tt.status || tt.code != "" && problemOf(t, w.Code, w.Header(), w.Body.Bytes()).Code != tt.code {
			t.Errorf("%s %.20q: %d %s, want %d %s", tt.path, tt.header, w.Code, w.Body, tt.status, tt.code)
		}
		if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s %.20q: WWW-Authenticate %q", tt.path, tt.header, w.Header().Get("WWW-Authenticate"))
		}
		if kept := w.Header().Get("Cache-Control") != "no-store"; kept != (tt.path == "/open") {
			t.Errorf("%s %.20q: Cache-Control %q", tt.path, tt.header, w.Header()["Cache-Control"])
		}
	}
	if w := request(t, r, "GET", "/open"); w.Body.String() != "0" {
		t.Errorf("anonymous caller is %q", w.Body)
	}
	if w := request(t, r, "GET", "/me", "Authorization", "Bearer "+token("user"), "Authorization", "Bearer x"); w.Code != 401 {
		t.Errorf("two Authorization headers: %d", w.Code)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.GET("/", func(c *gin.Context) {
		key, err := httpserver.IdempotencyKey(c)
		if err != nil {
			httpserver.Fail(c, err)
			return
		}
		c.String(200, key)
	})
	for _, good := range []string{"a", "~!{}%0d%0a", strings.Repeat("k", 255)} {
		if w := request(t, r, "GET", "/", "Idempotency-Key", good); w.Body.String() != good {
			t.Errorf("%q: %d %s", good, w.Code, w.Body)
		}
	}
	if w := request(t, r, "GET", "/"); problemOf(t, w.Code, w.Header(), w.Body.Bytes()).Code != "idempotency_key_required" {
		t.Errorf("absent: %s", w.Body)
	}
	for _, bad := range []string{"", " ", "a b", "a\r\nb", "a\x7f", "ключ", strings.Repeat("k", 256)} {
		w := request(t, r, "GET", "/", "Idempotency-Key", bad)
		if w.Code != 400 || problemOf(t, w.Code, w.Header(), w.Body.Bytes()).Code != "idempotency_key_invalid" {
			t.Errorf("%q: %d %s", bad, w.Code, w.Body)
		}
	}
	if w := request(t, r, "GET", "/", "Idempotency-Key", "a", "Idempotency-Key", "b"); w.Code != 400 {
		t.Errorf("two keys: %d", w.Code)
	}
}

func TestParseID(t *testing.T) {
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.GET("/:id", func(c *gin.Context) {
		id, ok := httpserver.ParseID(c, "id")
		c.String(200, "%d %v", id, ok)
	})
	if w := request(t, r, "GET", "/9223372036854775807"); w.Body.String() != "9223372036854775807 true" {
		t.Errorf("largest: %s", w.Body)
	}
	for _, bad := range []string{"0", "-1", "+1", "01", "1.0", "0x1", "1e3", "9223372036854775808", "abc", "1%20"} {
		if w := request(t, r, "GET", "/"+bad); !strings.HasSuffix(w.Body.String(), "false") {
			t.Errorf("%s: %s", bad, w.Body)
		}
	}
}

func TestParsePage(t *testing.T) {
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.GET("/", func(c *gin.Context) {
		page, err := httpserver.ParsePage(c)
		if err != nil {
			httpserver.Fail(c, err)
			return
		}
		c.String(200, "%d %s", page.Limit, page.Cursor)
	})
	for query, want := range map[string]string{"": "20 ", "?limit=1": "1 ", "?limit=100&cursor=abc_-": "100 abc_-"} {
		if w := request(t, r, "GET", "/"+query); w.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", query, w.Code, w.Body, want)
		}
	}
	for _, bad := range []string{
		"limit=0", "limit=101", "limit=1000000000", "limit=-1", "limit=%2B1", "limit=x", "limit=", "limit=1.5",
		"cursor=", "cursor=a%0ab", "cursor=" + strings.Repeat("x", 513),
	} {
		w := request(t, r, "GET", "/?"+bad)
		if p := problemOf(t, w.Code, w.Header(), w.Body.Bytes()); w.Code != 422 || len(p.Errors) != 1 {
			t.Errorf("%s: %d %s", bad, w.Code, w.Body)
		}
	}
}
