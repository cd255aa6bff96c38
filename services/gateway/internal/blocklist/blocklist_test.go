package blocklist_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"souk.example/contracts"
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
	victim, bystander = 7, 8
	here              = "192.0.2.1" // httptest's client
)

// edge is one gateway with a route that needs a token and one that does not.
type edge struct {
	t      *testing.T
	router *gin.Engine
	minter *auth.Minter
	state  *blocklist.State
}

// publish says who is shut out, as the user service would.
func (e *edge) publish(revision int64, subjects ...contracts.Subject) {
	e.t.Helper()
	list := contracts.BlockList{Revision: revision, Blocks: map[contracts.Subject]contracts.Block{}}
	for _, s := range subjects {
		list.Blocks[s] = contracts.Block{Since: time.Now()}
	}
	must(e.t, e.state.Set(e.t.Context(), list))
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
		all = append(all, &edge{t, r, minter, state})
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

// get asks as user, 0 for nobody.
func (e *edge) get(user int64, path string) (status int, text string) {
	e.t.Helper()
	req := httptest.NewRequestWithContext(e.t.Context(), "GET", path, nil)
	if user != 0 {
		token, _, err := e.minter.Mint(auth.Claims{UserID: user, Role: auth.RoleUser})
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
		got, _ := e.get(user, path)
		return got == want
	})
}

// What is published, every edge enforces; and so for the way back.
func TestABlockIsInForceAtEveryEdge(t *testing.T) {
	shop := edges(t, redistest.Open(t), 2)
	shop[0].await(victim, "/mine", 200)
	shop[0].publish(1, "user:7")
	for _, e := range shop {
		e.await(victim, "/mine", 403)
		e.await(bystander, "/mine", 200)
		e.await(0, "/open", 200)
		if _, text := e.get(victim, "/mine"); !strings.Contains(text, `"code":"blocked"`) {
			t.Errorf("they are told %s", text)
		}
	}
	shop[1].publish(2)
	shop[0].await(victim, "/mine", 200)
}

func TestAnAddressIsShutOutOfEverything(t *testing.T) {
	e := edges(t, redistest.Open(t), 1)[0]
	e.publish(1, "address:192.0.2.99")
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
	rdb := redistest.Dial(t, mini.Addr())
	e := edges(t, rdb, 1)[0]
	e.publish(1, "user:7")
	mini.Close()
	mini.FlushAll()
	e.await(victim, "/mine", 403)
	must(t, mini.Restart())
	edges(t, rdb, 1)[0].await(victim, "/mine", 403) // an edge that begins now
	e.await(victim, "/mine", 403)
}
