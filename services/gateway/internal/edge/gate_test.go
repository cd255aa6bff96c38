package edge_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/edge"
)

// gate is an edge in front of one set of replicas that serve every service.
type gate struct {
	t     *testing.T
	url   string
	token string
}

func open(t *testing.T, cfg httpserver.Config, replicas ...string) *gate {
	t.Helper()
	proxy, err := edge.NewProxy(replicas)
	must(t, err)
	proxies := map[edge.Service]*edge.Proxy{}
	for _, r := range edge.Routes() {
		proxies[r.To] = proxy
	}
	verifier, token := oneCustomer(t)
	router := httpserver.NewRouter(cfg, telemetry.Nop())
	edge.Register(router, verifier, proxies, nil, func(*gin.Context) {}, nil, telemetry.Nop().Logger)
	return &gate{t: t, url: serve(t, cfg, router), token: token}
}

// serve serves h as the gateway does, to the end of the test.
func serve(t *testing.T, cfg httpserver.Config, h http.Handler) (url string) {
	t.Helper()
	s := httpserver.New(cfg, h, telemetry.Nop())
	must(t, s.Listen())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-ended)
	})
	return "http://" + s.Addr()
}

// oneCustomer is what verifies tokens, and a customer's.
func oneCustomer(t *testing.T) (*auth.Verifier, string) {
	t.Helper()
	private, public, err := auth.GenerateKey()
	must(t, err)
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private, TTL: time.Minute})
	must(t, err)
	token, _, err := minter.Mint(auth.Claims{UserID: 7, Role: "user"})
	must(t, err)
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	must(t, err)
	return verifier, token
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (g *gate) do(method, path string, header http.Header, body string) (*http.Response, string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, strings.NewReader(body))
	must(g.t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := http.DefaultClient.Do(req)
	must(g.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(g.t, err)
	return resp, string(text)
}

func (g *gate) bearer() http.Header { return http.Header{"Authorization": {"Bearer " + g.token}} }

func code(body string) string {
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(body), &p)
	return p.Code
}
