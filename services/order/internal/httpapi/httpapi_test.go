package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/money"
	"souk.example/pkg/saga"
	"souk.example/pkg/telemetry"
	"souk.example/services/order/internal/httpapi"
	"souk.example/services/order/internal/order"
	"souk.example/services/order/internal/returns"
	"souk.example/services/order/internal/store"
	"souk.example/services/order/migrations"
)

type silent struct{}

func (silent) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

// server is the order API over a fresh database in which TEA costs 5.00.
type server struct {
	t      *testing.T
	router http.Handler
	minter *auth.Minter
	store  *store.Store
}

func newServer(t *testing.T) *server {
	t.Helper()
	return newServerWith(t, answer{})
}

// answer is what a Holds says to every request.
type answer order.Slot

func (a answer) Take(_ context.Context, keys []order.Key) []order.Slot {
	return slices.Repeat([]order.Slot{order.Slot(a)}, len(keys))
}

func (answer) Free(context.Context, []order.Key) {}

type noGate struct{}

func (noGate) Admit(_ context.Context, asks []order.Ask) []order.Admission {
	return make([]order.Admission, len(asks))
}

func (noGate) Withdraw(context.Context, []order.Ask) {}

func newServerWith(t *testing.T, h order.Holds) *server {
	t.Helper()
	private, public, err := auth.GenerateKey()
	must(t, err)
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private, TTL: time.Minute})
	must(t, err)
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	must(t, err)
	db := databasetest.Open(t, saga.Migrations(), idempotency.Migrations(), migrations.Set())
	s := store.New(db, silent{})
	must(t, s.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
		return u.LearnPrices(ctx, []order.Price{{SKU: "TEA", Version: 1, Amount: money.Of(500, "CNY")}})
	}))
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	batches := groupcommit.Config{BatchMax: 500, QueueMax: 100, Timeout: time.Minute, Retry: database.IsTransient}
	placer := order.NewPlacer(s, h, noGate{}, idgen.Static(1), order.Limits{}, batches)
	canceller := order.NewCanceller(s, order.Policy{}, batches)
	run(t, placer)
	run(t, canceller)
	desk, err := returns.New(db, s, order.NewReturner(order.Policy{}), saga.Config{}, telemetry.Nop())
	must(t, err)
	httpapi.New(placer, canceller, desk, s).Register(router, verifier)
	return &server{t: t, router: router, minter: minter, store: s}
}

// run runs r for the length of the test.
func run(t testing.TB, r interface{ Run(context.Context) error }) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); must(t, <-done) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type reply struct {
	code   int
	header http.Header
	body   map[string]any
}

func (s *server) do(user int64, method, path, key, body string) reply {
	s.t.Helper()
	token, _, err := s.minter.Mint(auth.Claims{UserID: user, Role: "user"})
	must(s.t, err)
	req := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, req)
	r := reply{code: w.Code, header: w.Header()}
	must(s.t, json.Unmarshal(w.Body.Bytes(), &r.body))
	return r
}

const tea = `{"items":[{"sku":"TEA","quantity":2}],"payment":{"method":"wallet"}}`

func TestPlaceAndReplay(t *testing.T) {
	s := newServer(t)
	first := s.do(1, "POST", "/v1/orders", "k", tea)
	id, _ := first.body["id"].(string)
	if first.code != 201 || first.header.Get("Location") != "/v1/orders/"+id || first.body["status"] != "PENDING" {
		t.Fatalf("placed %d %v", first.code, first.body)
	}
	again := s.do(1, "POST", "/v1/orders", "k", `{"payment":{"method":"wallet"},  "items":[{"quantity":2,"sku":"TEA"}]}`)
	if again.code != 201 || again.body["id"] != id || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("replayed %d %v", again.code, again.body)
	}
	other := s.do(1, "POST", "/v1/orders", "k", strings.Replace(tea, "2", "3", 1))
	if other.code != 422 || other.body["code"] != "idempotency_key_reused" {
		t.Errorf("another body got %d %v", other.code, other.body)
	}
	got := s.do(1, "GET", "/v1/orders/"+id, "", "")
	if got.code != 200 || got.body["total"].(map[string]any)["amount"] != 1000.0 {
		t.Errorf("got %d %v", got.code, got.body)
	}
}

func TestAnothersOrderIsNotThere(t *testing.T) {
	s := newServer(t)
	id := s.do(1, "POST", "/v1/orders", "k", tea).body["id"].(string)
	theirs, absent := s.do(2, "GET", "/v1/orders/"+id, "", ""), s.do(2, "GET", "/v1/orders/1", "", "")
	for _, r := range []reply{theirs, absent} {
		delete(r.body, "request_id")
		if r.code != 404 || r.body["code"] != "order_not_found" {
			t.Errorf("got %d %v", r.code, r.body)
		}
	}
	if a, b := mustJSON(theirs.body), mustJSON(absent.body); a != b {
		t.Errorf("another's order reads %s, an absent one %s", a, b)
	}
}

func TestTooManyOpenOrders(t *testing.T) {
	s := newServerWith(t, answer{Cap: 7, FreeIn: 61500 * time.Millisecond})
	r := s.do(1, "POST", "/v1/orders", "k", tea)
	detail, _ := r.body["detail"].(string)
	if r.code != 429 || r.body["code"] != "too_many_open_orders" || r.body["status"] != 429.0 || !strings.Contains(detail, "at most 7 orders") {
		t.Errorf("got %d %v", r.code, r.body)
	}
	if got := r.header.Get("Retry-After"); got != "62" {
		t.Errorf("Retry-After is %q, want 62", got)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type is %q", got)
	}
	if list := s.do(1, "GET", "/v1/orders", "", ""); len(list.body["items"].([]any)) != 0 {
		t.Errorf("it left %v", list.body)
	}
}

func mustJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestListPages(t *testing.T) {
	s := newServer(t)
	for _, key := range []string{"a", "b", "c"} {
		s.do(1, "POST", "/v1/orders", key, tea)
	}
	page := s.do(1, "GET", "/v1/orders?limit=2", "", "")
	cursor, _ := page.body["next_cursor"].(string)
	if page.code != 200 || len(page.body["items"].([]any)) != 2 || cursor == "" {
		t.Fatalf("first page %d %v", page.code, page.body)
	}
	last := s.do(1, "GET", "/v1/orders?limit=2&cursor="+cursor, "", "")
	if len(last.body["items"].([]any)) != 1 || last.body["next_cursor"] != nil {
		t.Errorf("last page %v", last.body)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "cursor=zzz", "cursor=" + cursor[1:], "status=LOST"} {
		if r := s.do(1, "GET", "/v1/orders?"+query, "", ""); r.code != 422 && r.code != 400 {
			t.Errorf("?%s got %d", query, r.code)
		}
	}
}

func TestRefusalsChangeNothing(t *testing.T) {
	s := newServer(t)
	for name, tc := range map[string]struct {
		key, body string
		code      int
	}{
		"no key":              {"", tea, 400},
		"long key":            {strings.Repeat("k", 256), tea, 400},
		"blank body":          {"k", ` `, 400},
		"fraction":            {"k", `{"items":[{"sku":"TEA","quantity":1.5}],"payment":{"method":"wallet"}}`, 422},
		"too large a number":  {"k", `{"items":[{"sku":"TEA","quantity":9223372036854775808}],"payment":{"method":"wallet"}}`, 422},
		"string quantity":     {"k", `{"items":[{"sku":"TEA","quantity":"1"}],"payment":{"method":"wallet"}}`, 422},
		"client-sent price":   {"k", `{"items":[{"sku":"TEA","quantity":1,"unit_price":1}],"payment":{"method":"wallet"}}`, 422},
		"client-sent user_id": {"k", `{"user_id":"2","items":[{"sku":"TEA","quantity":1}],"payment":{"method":"wallet"}}`, 422},
		"points as text":      {"k", `{"items":[{"sku":"TEA","quantity":1}],"payment":{"method":"wallet"},"points":"1"}`, 422},
		"too many points":     {"k", `{"items":[{"sku":"TEA","quantity":1}],"payment":{"method":"wallet"},"points":501}`, 422},
		"card number":         {"k", `{"items":[{"sku":"TEA","quantity":1}],"payment":{"method":"card","number":"4242"}}`, 422},
		"no payment":          {"k", `{"items":[{"sku":"TEA","quantity":1}]}`, 422},
		"unknown sku":         {"k", `{"items":[{"sku":"X","quantity":1}],"payment":{"method":"wallet"}}`, 422},
	} {
		r := s.do(1, "POST", "/v1/orders", tc.key, tc.body)
		if r.code != tc.code && (tc.code != 422 || r.code != 400) {
			t.Errorf("%s: got %d %v, want %d", name, r.code, r.body, tc.code)
		}
	}
	if states, err := s.store.List(t.Context(), 1, order.Filter{Limit: 10}); err != nil || len(states) != 0 {
		t.Errorf("refusals left %d orders, %v", len(states), err)
	}
}

func TestCancel(t *testing.T) {
	s := newServer(t)
	id := s.do(1, "POST", "/v1/orders", "k", tea).body["id"].(string)
	for range 2 {
		r := s.do(1, "POST", "/v1/orders/"+id+"/cancel", "", "")
		if r.code != 202 || r.body["status"] != "CANCELLED" || r.body["reason"] != "user_cancelled" || r.body["version"] != 2.0 {
			t.Errorf("cancelled %d %v", r.code, r.body)
		}
	}
	replay := s.do(1, "POST", "/v1/orders", "k", tea)
	if replay.code != 201 || replay.body["status"] != "PENDING" || replay.body["reason"] != nil {
		t.Errorf("the placement replays as %d %v", replay.code, replay.body)
	}
	for name, path := range map[string]string{"another's": id, "absent": "1", "a word": "x"} {
		if r := s.do(2, "POST", "/v1/orders/"+path+"/cancel", "", ""); r.code != 404 || r.body["code"] != "order_not_found" {
			t.Errorf("%s: %d %v", name, r.code, r.body)
		}
	}
}

func TestCancelOfAPaidOrder(t *testing.T) {
	s := newServer(t)
	id := s.do(1, "POST", "/v1/orders", "k", tea).body["id"].(string)
	n, err := strconv.ParseInt(id, 10, 64)
	must(t, err)
	must(t, s.store.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
		return order.NewLearner(order.Policy{}, new(order.Pacer)).Learn(ctx, u, []order.Report{{Order: order.ID(n), Fact: order.Captured}})
	}))
	r := s.do(1, "POST", "/v1/orders/"+id+"/cancel", "", "")
	if r.code != 409 || r.body["code"] != "order_not_cancellable" {
		t.Errorf("got %d %v", r.code, r.body)
	}
}

// What pays for an order is part of the request: another token or number of
// points under the same key is another body. The token is never shown.
func TestCardAndPoints(t *testing.T) {
	s := newServer(t)
	body := func(token, points string) string {
		return `{"items":[{"sku":"TEA","quantity":2}],"payment":{"method":"card","token":"` + token + `"},"points":` + points + `}`
	}
	first := s.do(1, "POST", "/v1/orders", "k", body("tok_ok", "250"))
	if first.code != 201 || first.body["points_used"] != 250.0 || first.body["payable"].(map[string]any)["amount"] != 750.0 {
		t.Fatalf("placed %d %v", first.code, first.body)
	}
	if payment := first.body["payment"]; mustJSON(payment) != `{"method":"card","status":"none"}` || strings.Contains(mustJSON(first.body), "tok_ok") {
		t.Errorf("payment is shown as %v", payment)
	}
	if again := s.do(1, "POST", "/v1/orders", "k", body("tok_ok", "250")); again.code != 201 || again.body["id"] != first.body["id"] {
		t.Errorf("replayed %d %v", again.code, again.body)
	}
	for _, other := range []string{body("tok_other", "250"), body("tok_ok", "251")} {
		if r := s.do(1, "POST", "/v1/orders", "k", other); r.code != 422 || r.body["code"] != "idempotency_key_reused" {
			t.Errorf("%s: %d %v", other, r.code, r.body)
		}
	}
}
