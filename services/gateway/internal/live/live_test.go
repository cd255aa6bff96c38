package live_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"souk.example/contracts"
	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/pubsub"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redisclient/redistest"
	"souk.example/pkg/telemetry"
	"souk.example/services/gateway/internal/blocklist"
	"souk.example/services/gateway/internal/live"
)

func TestMain(m *testing.M) {
	// go-redis probes a dead server once a second and notices Close only then.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

const customer = 7

// shop is an order service with one order.
type shop struct {
	mu    sync.Mutex
	order string
	list  string // as it was when order was first placed: what moves since, a hint must tell
}

func (s *shop) Ask(_ context.Context, _ *http.Request, path, _ string) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if path == "/v1/orders/1" {
		return json.RawMessage(s.order), nil
	}
	return json.RawMessage(`{"items":[` + s.list + `]}`), nil
}

// move makes the order enter statuses, by now.
func (s *shop) move(statuses ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, status := range statuses {
		lines = append(lines, fmt.Sprintf(`{"status":%q,"at":%q,"service":"order"}`, status, time.Now().UTC().Format(time.RFC3339Nano)))
	}
	s.order = fmt.Sprintf(`{"id":"1","status":%q,"timeline":[%s]}`, statuses[len(statuses)-1], strings.Join(lines, ","))
	s.list = cmp.Or(s.list, s.order)
}

// gateway is one with nothing but streams.
type gateway struct {
	t      *testing.T
	url    string
	shop   *shop
	rdb    *redisclient.Client
	reg    *prometheus.Registry
	minter *auth.Minter
	stop   func() error
}

func newGateway(t *testing.T, cfg live.Config) *gateway {
	t.Helper()
	g := &gateway{t: t, shop: &shop{}, rdb: redistest.Open(t), reg: prometheus.NewRegistry()}
	private, public, err := auth.GenerateKey()
	must(t, err)
	g.minter, err = auth.NewMinter(auth.MinterConfig{PrivateKey: private, TTL: time.Minute})
	must(t, err)
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	must(t, err)
	bus, err := pubsub.New(g.rdb, pubsub.Config{})
	must(t, err)
	state, err := blocklist.NewState(bus)
	must(t, err)
	hub, err := live.NewHub(cfg, g.rdb, slog.New(slog.DiscardHandler), g.reg)
	must(t, err)
	run(t, hub.Run)
	router := httpserver.NewRouter(httpserver.Config{AccessLog: "off"}, telemetry.Nop())
	live.New(hub, g.shop, blocklist.New(state)).Register(router, verifier)
	server := httpserver.New(httpserver.Config{}, router, telemetry.Nop())
	must(t, server.Listen())
	g.url = "http://" + server.Addr()
	g.stop = run(t, server.Run)
	return g
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, part func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	return stop
}

func (g *gateway) token(user int64) string {
	token, _, err := g.minter.Mint(auth.Claims{UserID: user, Role: auth.RoleUser})
	must(g.t, err)
	return token
}

// hint says that an order of the user's has moved, as the order service does, once
// somebody hears it.
func (g *gateway) hint(user int64) {
	g.t.Helper()
	redistest.Eventually(g.t, "somebody hears", func() bool {
		heard, err := g.rdb.Write().Publish(g.t.Context(), contracts.MovedChannel, contracts.EncodeMoved([]contracts.Moved{{UserID: user, OrderID: 1}})).Result()
		return err == nil && heard > 0
	})
}

// events opens a stream of a user's events.
func (g *gateway) events(user int64, header ...string) (*http.Response, *bufio.Reader) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.url+"/v1/events", nil)
	must(g.t, err)
	r.Header.Set("Authorization", "Bearer "+g.token(user))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	must(g.t, err)
	g.t.Cleanup(func() { response.Body.Close() })
	return response, bufio.NewReader(response.Body)
}

// told reads the next event.
func told(t *testing.T, events *bufio.Reader) (id, status string) {
	t.Helper()
	for {
		line, err := events.ReadString('\n')
		must(t, err)
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			id = strings.TrimSpace(text)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var event struct{ OrderID, Status string }
			must(t, json.Unmarshal([]byte(strings.Replace(data, "order_id", "OrderID", 1)), &event))
			return id, event.Status
		}
	}
}

func TestEventsAreTold(t *testing.T) {
	g := newGateway(t, live.Config{Max: 9, PerUser: 9})
	g.shop.move("PENDING")
	response, events := g.events(customer)
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
	_, future := g.events(customer, "Last-Event-Id", "2999-01-01T00:00:00Z")
	_, nonsense := g.events(customer, "Last-Event-Id", "nonsense")
	all := []*bufio.Reader{events, future, nonsense}
	for _, stream := range all {
		if _, status := told(t, stream); status != "PENDING" {
			t.Errorf("told %s", status)
		}
	}
	g.shop.move("PENDING", "REJECTED")
	g.hint(customer)
	for i, stream := range all {
		id, status := told(t, stream)
		if _, err := time.Parse(time.RFC3339, id); status != "REJECTED" || err != nil {
			t.Errorf("%d: told %s at %q", i, status, id)
		}
	}
	must(t, g.stop())
	if rest, err := events.ReadString(0); strings.TrimSpace(rest) != "" {
		t.Errorf("at the end: %q, %v", rest, err)
	}
}

// As for a browser that had lost us when its order was cancelled.
func TestEventsGoOnWhereTheyEnded(t *testing.T) {
	g := newGateway(t, live.Config{Max: 9, PerUser: 9})
	ago := func(d time.Duration) string { return time.Now().Add(-d).UTC().Format(time.RFC3339) }
	g.shop.list = fmt.Sprintf(`{"id":"1","status":"CANCELLED","timeline":[{"status":"PENDING","at":%q},{"status":"CANCELLED","at":%q}]}`, ago(time.Hour), ago(time.Minute))
	_, events := g.events(customer, "Last-Event-Id", ago(2*time.Minute))
	if _, status := told(t, events); status != "CANCELLED" {
		t.Errorf("told %s", status)
	}
}

func TestWhoLeavesMakesRoom(t *testing.T) {
	g := newGateway(t, live.Config{Max: 3, PerUser: 2})
	open := func() float64 {
		n, err := testutil.GatherAndCount(g.reg, "souk_gateway_streams")
		must(t, err)
		families, err := g.reg.Gather()
		must(t, err)
		if n != 1 {
			t.Fatal("no figure of streams")
		}
		return families[0].GetMetric()[0].GetGauge().GetValue()
	}
	first, _ := g.events(customer)
	second, _ := g.events(customer)
	redistest.Eventually(t, "two are open", func() bool { return open() == 2 })
	refused, _ := g.events(customer)
	if refused.StatusCode != 429 || refused.Header.Get("Retry-After") == "" {
		t.Errorf("the third of one: %d %v", refused.StatusCode, refused.Header)
	}
	third, _ := g.events(customer + 1)
	redistest.Eventually(t, "three are open", func() bool { return open() == 3 })
	if full, _ := g.events(customer + 2); full.StatusCode != 503 {
		t.Errorf("the fourth of all: %d", full.StatusCode)
	}
	for _, r := range []*http.Response{first, second, third} {
		r.Body.Close()
	}
	redistest.Eventually(t, "none is open", func() bool { return open() == 0 })
}

// socket opens a WebSocket with a token among its protocols.
func (g *gateway) socket(user int64) *websocket.Conn {
	g.t.Helper()
	conn, response, err := websocket.Dial(g.t.Context(), g.url+"/v1/ws", &websocket.DialOptions{
		Subprotocols: []string{"souk.v1", "bearer." + g.token(user)},
	})
	must(g.t, err)
	if response.Body != nil {
		g.t.Cleanup(func() { response.Body.Close() })
	}
	g.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func TestASocketIsTold(t *testing.T) {
	g := newGateway(t, live.Config{Max: 9, PerUser: 9})
	g.shop.move("PENDING")
	conn := g.socket(customer)
	if conn.Subprotocol() != "souk.v1" {
		t.Errorf("speaks %q", conn.Subprotocol())
	}
	hears := func(status string) {
		t.Helper()
		_, text, err := conn.Read(t.Context())
		if err != nil || !strings.Contains(string(text), `"status":"`+status+`"`) || !strings.Contains(string(text), `"order_id":"1"`) {
			t.Errorf("told %s, %v", text, err)
		}
	}
	hears("PENDING")
	g.shop.move("PENDING", "RESERVED")
	g.hint(customer)
	hears("RESERVED")
	go func() { _ = g.stop() }()
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("at the end: %v", err)
	}
}

func TestHandshakesAreLookedAt(t *testing.T) {
	g := newGateway(t, live.Config{Max: 9, PerUser: 9})
	good := http.Header{
		"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Authorization": {"Bearer " + g.token(customer)},
	}
	for name, tt := range map[string]struct {
		header, value string
		status        int
		code          string
	}{
		"no upgrade":   {"Upgrade", "", 426, "upgrade_required"},
		"old version":  {"Sec-Websocket-Version", "8", 426, "upgrade_required"},
		"short key":    {"Sec-Websocket-Key", "c2hvcnQ=", 400, "bad_handshake"},
		"no token":     {"Authorization", "", 401, "unauthenticated"},
		"not its word": {"Connection", "close", 426, "upgrade_required"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/v1/ws", nil)
			must(t, err)
			r.Header = good.Clone()
			r.Header.Set(tt.header, tt.value)
			response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
			must(t, err)
			defer response.Body.Close()
			var problem struct{ Code string }
			must(t, json.NewDecoder(response.Body).Decode(&problem))
			if response.StatusCode != tt.status || problem.Code != tt.code {
				t.Errorf("%d %s", response.StatusCode, problem.Code)
			}
		})
	}
}
