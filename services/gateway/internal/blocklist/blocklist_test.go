package blocklist_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/blocklist"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const (
	admin, victim, bystander = 1, 7, 8
	here                     = "192.0.2.1" // httptest's client
)

// edge is one gateway with a route that needs a token and one that does not.
type edge struct {
	t      *testing.T
	router *gin.Engine
	minter *auth.Minter
}

// edges are gateways of one shop.
func edges(t *testing.T, rdb *redisclient.Client, n int) (all []*edge) {
	t.Helper()
	private, public, err := auth.GenerateKey()
	must(t, err)
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private, TTL: time.Minute})
	must(t, err)
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	must(t, err)
	for range n {
		bus, err := pubsub.New(rdb, pubsub.Config{})
		must(t, err)
		state, err := blocklist.NewState(bus)
		must(t, err)
		run(t, bus.Run)
		run(t, state.Run)
		blocks := blocklist.New(state)
		r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
		r.Use(blocks.Addresses)
		r.GET("/open", func(c *gin.Context) { c.Status(http.StatusOK) })
		r.GET("/mine", httpserver.Authenticate(verifier), blocks.Users, func(c *gin.Context) { c.Status(http.StatusOK) })
		blocks.Register(r, verifier)
		all = append(all, &edge{t, r, minter})
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, part func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// do asks as user, 0 for nobody.
func (e *edge) do(user int64, method, path, body string) (status int, text string) {
	e.t.Helper()
	req := httptest.NewRequestWithContext(e.t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if user != 0 {
		role := auth.RoleUser
		if user == admin {
			role = auth.RoleAdmin
		}
		token, _, err := e.minter.Mint(auth.Claims{UserID: user, Role: role})
		must(e.t, err)
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	e.router.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func (e *edge) await(user int64, path string, want int) {
	e.t.Helper()
	redistest.Eventually(e.t, fmt.Sprintf("%s answers %d to %d", path, want, user), func() bool {
		got, _ := e.do(user, "GET", path, "")
		return got == want
	})
}

// What one edge is told, every edge enforces; and so for the way back.
func TestABlockIsInForceAtEveryEdge(t *testing.T) {
	shop := edges(t, redistest.Open(t), 2)
	told, other := shop[0], shop[1]
	told.await(victim, "/mine", 200)

	if got, text := told.do(admin, "PUT", "/v1/admin/blocks/user:7", `{"reason":"fraud"}`); got != 200 {
		t.Fatal(got, text)
	}
	for _, e := range shop {
		e.await(victim, "/mine", 403)
		e.await(bystander, "/mine", 200)
		e.await(0, "/open", 200)
	}
	if _, text := other.do(victim, "GET", "/mine", ""); !strings.Contains(text, `"code":"blocked"`) || strings.Contains(text, "fraud") {
		t.Errorf("they are told %s", text)
	}
	var list struct{ Items []blocklist.Item }
	if _, text := other.do(admin, "GET", "/v1/admin/blocks", ""); json.Unmarshal([]byte(text), &list) != nil || len(list.Items) != 1 ||
		list.Items[0].Subject != "user:7" || list.Items[0].Reason != "fraud" || time.Since(list.Items[0].Since) > time.Minute {
		t.Errorf("the list is %s", text)
	}
	if got, text := other.do(admin, "DELETE", "/v1/admin/blocks/user:7", ""); got != 204 {
		t.Fatal(got, text)
	}
	told.await(victim, "/mine", 200)
	if got, text := other.do(admin, "DELETE", "/v1/admin/blocks/user:7", ""); got != 404 || !strings.Contains(text, "not_blocked") {
		t.Errorf("twice: %d %s", got, text)
	}
}

func TestAnAddressIsShutOutOfEverything(t *testing.T) {
	e := edges(t, redistest.Open(t), 1)[0]
	if got, text := e.do(admin, "PUT", "/v1/admin/blocks/address:"+here, `{"reason":"noise"}`); got != 422 {
		t.Errorf("an administrator shuts himself out: %d %s", got, text)
	}
	if got, text := e.do(admin, "PUT", "/v1/admin/blocks/address:::ffff:192.0.2.99", `{"reason":"noise"}`); got != 200 || !strings.Contains(text, `"address:192.0.2.99"`) {
		t.Fatal(got, text)
	}
	for remote, want := range map[string]int{"192.0.2.99:5": 403, "[::ffff:192.0.2.99]:5": 403, here + ":5": 200, "[2001:db8::1]:5": 200} {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/open", nil)
		req.RemoteAddr = remote
		w := httptest.NewRecorder()
		e.router.ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", remote, w.Code, want)
		}
	}
}

// The last list stays in force while Redis is away, and is not emptied when it
// comes back without memory.
func TestRedisAway(t *testing.T) {
	mini := redistest.Mini(t)
	e := edges(t, redistest.Dial(t, mini.Addr()), 1)[0]
	if got, text := e.do(admin, "PUT", "/v1/admin/blocks/user:7", `{"reason":"fraud"}`); got != 200 {
		t.Fatal(got, text)
	}
	mini.Close()
	mini.FlushAll()
	e.await(victim, "/mine", 403)
	if got, text := e.do(admin, "PUT", "/v1/admin/blocks/user:8", `{"reason":"fraud"}`); got != 503 || strings.Contains(text, "dial") {
		t.Errorf("a change without Redis: %d %s", got, text)
	}
	must(t, mini.Restart())
	redistest.Eventually(t, "the list can be changed again", func() bool {
		got, _ := e.do(admin, "PUT", "/v1/admin/blocks/user:8", `{"reason":"fraud"}`)
		return got == 200
	})
	for _, user := range []int64{victim, bystander} {
		if got, _ := e.do(user, "GET", "/mine", ""); got != 403 {
			t.Errorf("%d gets %d", user, got)
		}
	}
}

func TestWhoMayChangeWhat(t *testing.T) {
	e := edges(t, redistest.Open(t), 1)[0]
	for name, c := range map[string]struct {
		user         int64
		path, body   string
		status       int
		code, method string
	}{
		"nobody":         {0, "user:7", `{"reason":"r"}`, 401, "unauthenticated", "PUT"},
		"a user":         {victim, "user:8", `{"reason":"r"}`, 403, "forbidden", "PUT"},
		"a user reads":   {victim, "", "", 403, "forbidden", "GET"},
		"oneself":        {admin, "user:1", `{"reason":"r"}`, 422, "invalid_subject", "PUT"},
		"no reason":      {admin, "user:7", `{}`, 422, "invalid_body", "PUT"},
		"a long reason":  {admin, "user:7", `{"reason":"` + strings.Repeat("r", 201) + `"}`, 422, "invalid_body", "PUT"},
		"no JSON":        {admin, "user:7", `reason`, 400, "malformed_json", "PUT"},
		"no kind":        {admin, "7", `{"reason":"r"}`, 400, "invalid_subject", "PUT"},
		"no user":        {admin, "user:0", `{"reason":"r"}`, 400, "invalid_subject", "PUT"},
		"another form":   {admin, "user:007", `{"reason":"r"}`, 400, "invalid_subject", "PUT"},
		"no address":     {admin, "address:localhost", `{"reason":"r"}`, 400, "invalid_subject", "PUT"},
		"nobody deletes": {0, "user:7", "", 401, "unauthenticated", "DELETE"},
	} {
		got, text := e.do(c.user, c.method, strings.TrimSuffix("/v1/admin/blocks/"+c.path, "/"), c.body)
		if got != c.status || !strings.Contains(text, `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s", name, got, text)
		}
	}
	if got, text := e.do(admin, "GET", "/v1/admin/blocks", ""); got != 200 || text != `{"items":[]}` {
		t.Errorf("then the list is %d %s", got, text)
	}
}
