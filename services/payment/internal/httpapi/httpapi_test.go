package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idempotency"
	"souk.example/pkg/idgen"
	"souk.example/pkg/telemetry"
	"souk.example/services/payment/internal/httpapi"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
	"souk.example/services/payment/internal/store"
	"souk.example/services/payment/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is payment's HTTP surface on a database of its own.
type service struct {
	http.Handler
	db     *database.DB
	minter *auth.Minter
}

func newService(t *testing.T) *service {
	t.Helper()
	private, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	if err != nil {
		t.Fatal(err)
	}
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private})
	if err != nil {
		t.Fatal(err)
	}
	db := databasetest.Open(t, idempotency.Migrations(), migrations.Set())
	wallets := store.New(db)
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	httpapi.New(payment.NewTeller(wallets, idgen.Static(1), time.Now), wallets, nil, httpapi.Webhooks{Verifier: provider.NewVerifier(nil, time.Now)}).Register(router, verifier)
	return &service{Handler: router, db: db, minter: minter}
}

// request is one call; user 0 comes without a token.
type request struct {
	method, path string
	user         int64
	key, body    string
	header       map[string]string
}

func get(user int64) request { return request{method: http.MethodGet, path: "/v1/wallet", user: user} }

func topUp(user int64, key, body string) request {
	return request{method: http.MethodPost, path: "/v1/wallet/topups", user: user, key: key, body: body}
}

func (s *service) do(t *testing.T, r request) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), r.method, r.path, strings.NewReader(r.body))
	if r.method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	if r.user != 0 {
		token, _, err := s.minter.Mint(auth.Claims{UserID: r.user, Role: "user", SessionID: 1})
		if err != nil {
			t.Error(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w
}

func (s *service) number(t *testing.T, query string) (n int64) {
	t.Helper()
	if err := s.db.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

const hundred = `{"amount":{"amount":10000,"currency":"CNY"}}`

func TestWalletOfANewUserIsEmpty(t *testing.T) {
	s := newService(t)
	w := s.do(t, get(7))
	if w.Code != http.StatusOK || w.Body.String() != `{"balance":{"amount":0,"currency":"CNY"}}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestTopUp(t *testing.T) {
	s := newService(t)
	s.do(t, topUp(7, "first", hundred))
	w := s.do(t, topUp(7, "second", hundred))
	var got struct {
		ID              string
		Amount, Balance struct {
			Amount   int64
			Currency string
		}
		CreatedAt string `json:"created_at"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusCreated {
		t.Fatalf("got %d %s, %v", w.Code, w.Body, err)
	}
	if got.ID == "" || got.Amount.Amount != 10000 || got.Balance.Amount != 20000 || got.Balance.Currency != "CNY" || !strings.HasSuffix(got.CreatedAt, "Z") {
		t.Errorf("got %s", w.Body)
	}
	if body := s.do(t, get(7)).Body.String(); body != `{"balance":{"amount":20000,"currency":"CNY"}}` {
		t.Errorf("the wallet is %s", body)
	}
	if body := s.do(t, get(8)).Body.String(); body != `{"balance":{"amount":0,"currency":"CNY"}}` {
		t.Errorf("somebody else's wallet is %s", body)
	}
	if n := s.number(t, "SELECT SUM(amount) FROM ledger_entry WHERE credit_account = 'wallet:7' AND debit_account = 'cash'"); n != 20000 {
		t.Errorf("the ledger says %d", n)
	}
}

// One key is one effect and one answer, also when everybody asks at once.
func TestOneKeyFiftyTimesAtOnce(t *testing.T) {
	s := newService(t)
	replies := make([]*httptest.ResponseRecorder, 50)
	var clients sync.WaitGroup
	for i := range replies {
		clients.Go(func() { replies[i] = s.do(t, topUp(7, "key", hundred)) })
	}
	clients.Wait()
	fresh := 0
	for _, w := range replies {
		if w.Code != http.StatusCreated || w.Body.String() != replies[0].Body.String() {
			t.Errorf("got %d %s, the first got %s", w.Code, w.Body, replies[0].Body)
		}
		if w.Header().Get("Idempotent-Replayed") == "" {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d replies claim to be the first", fresh)
	}
	if n, m := s.number(t, "SELECT COUNT(*) FROM ledger_entry"), s.number(t, "SELECT balance FROM wallet"); n != 1 || m != 10000 {
		t.Errorf("%d entries, balance %d", n, m)
	}
}

func TestManyKeysAtOnce(t *testing.T) {
	s := newService(t)
	var clients sync.WaitGroup
	for i := range 50 {
		clients.Go(func() {
			if w := s.do(t, topUp(7, fmt.Sprint(i), hundred)); w.Code != http.StatusCreated {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
	clients.Wait()
	if n, m := s.number(t, "SELECT SUM(amount) FROM ledger_entry"), s.number(t, "SELECT balance FROM wallet"); n != 500000 || m != 500000 {
		t.Errorf("the ledger says %d, the wallet %d", n, m)
	}
}

// A replay shows the wallet as it was, and does not mind how the body is spelt.
func TestReplay(t *testing.T) {
	s := newService(t)
	first := s.do(t, topUp(7, "key", hundred))
	s.do(t, topUp(7, "another", hundred))
	again := s.do(t, topUp(7, "key", ` { "amount" : {"currency":"CNY", "amount":10000} } `))
	if again.Code != http.StatusCreated || again.Body.String() != first.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("got %d %s, want %s replayed", again.Code, again.Body, first.Body)
	}
	other := s.do(t, topUp(7, "key", `{"amount":{"amount":10001,"currency":"CNY"}}`))
	if other.Code != http.StatusUnprocessableEntity || code(t, other) != "idempotency_key_reused" {
		t.Errorf("got %d %s", other.Code, other.Body)
	}
	if w := s.do(t, topUp(8, "key", hundred)); w.Code != http.StatusCreated || w.Body.String() == first.Body.String() {
		t.Errorf("somebody else's key: got %d %s", w.Code, w.Body)
	}
}

func code(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var problem struct{ Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("not a problem: %q %s", w.Header().Get("Content-Type"), w.Body)
	}
	return problem.Code
}

// A wallet holds at most what every client reads exactly.
func TestFullWallet(t *testing.T) {
	s := newService(t)
	if _, err := s.db.Exec(t.Context(), "INSERT INTO wallet VALUES (7, 'CNY', ?)", int64(payment.MaxBalance-10000)); err != nil {
		t.Fatal(err)
	}
	if w := s.do(t, topUp(7, "fills", hundred)); w.Code != http.StatusCreated {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	w := s.do(t, topUp(7, "spills", `{"amount":{"amount":1,"currency":"CNY"}}`))
	if w.Code != http.StatusUnprocessableEntity || code(t, w) != "invalid_amount" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if n := s.number(t, "SELECT balance FROM wallet"); n != payment.MaxBalance {
		t.Errorf("the wallet holds %d", n)
	}
	if n := s.number(t, "SELECT COUNT(*) FROM idempotency"); n != 1 {
		t.Errorf("%d keys are kept, the refusal left one", n)
	}
}

func TestBadInput(t *testing.T) {
	amount := func(text string) string { return `{"amount":` + text + `}` }
	s := newService(t)
	for name, c := range map[string]struct {
		request request
		status  int
	}{
		"no token":         {request{method: http.MethodPost, path: "/v1/wallet/topups", key: "k", body: hundred}, 401},
		"no token to read": {request{method: http.MethodGet, path: "/v1/wallet"}, 401},
		"no key":           {topUp(7, "", hundred), 400},
		"long key":         {topUp(7, strings.Repeat("k", 256), hundred), 400},
		"key with a space": {topUp(7, "k k", hundred), 400},
		"empty":            {topUp(7, "k", ""), 400},
		"truncated":        {topUp(7, "k", `{"amount":{"amount":1`), 400},
		"trailing":         {topUp(7, "k", hundred+"{}"), 400},
		"an array":         {topUp(7, "k", "[]"), 400},
		"null":             {topUp(7, "k", "null"), 400},
		"no amount":        {topUp(7, "k", "{}"), 422},
		"null amount":      {topUp(7, "k", amount("null")), 422},
		"a bare number":    {topUp(7, "k", amount("100")), 422},
		"unknown field":    {topUp(7, "k", `{"amount":{"amount":1,"currency":"CNY"},"user_id":"8"}`), 422},
		"case variant":     {topUp(7, "k", `{"Amount":{"amount":1,"currency":"CNY"}}`), 422},
		"twice":            {topUp(7, "k", `{"amount":{"amount":1,"currency":"CNY"},"amount":{"amount":2,"currency":"CNY"}}`), 422},
		"twice inside":     {topUp(7, "k", amount(`{"amount":1,"amount":2,"currency":"CNY"}`)), 422},
		"unknown inside":   {topUp(7, "k", amount(`{"amount":1,"currency":"CNY","scale":2}`)), 422},
		"zero":             {topUp(7, "k", amount(`{"amount":0,"currency":"CNY"}`)), 422},
		"negative":         {topUp(7, "k", amount(`{"amount":-1,"currency":"CNY"}`)), 422},
		"a fraction":       {topUp(7, "k", amount(`{"amount":1.5,"currency":"CNY"}`)), 422},
		"an exponent":      {topUp(7, "k", amount(`{"amount":1e3,"currency":"CNY"}`)), 422},
		"a string":         {topUp(7, "k", amount(`{"amount":"1","currency":"CNY"}`)), 422},
		"too much":         {topUp(7, "k", amount(`{"amount":1000000001,"currency":"CNY"}`)), 422},
		"the largest":      {topUp(7, "k", amount(`{"amount":9223372036854775807,"currency":"CNY"}`)), 422},
		"beyond":           {topUp(7, "k", amount(`{"amount":9223372036854775808,"currency":"CNY"}`)), 422},
		"other money":      {topUp(7, "k", amount(`{"amount":1,"currency":"USD"}`)), 422},
		"lower case":       {topUp(7, "k", amount(`{"amount":1,"currency":"cny"}`)), 422},
		"no currency":      {topUp(7, "k", amount(`{"amount":1}`)), 422},
		"large":            {topUp(7, "k", amount(`"`+strings.Repeat("x", 64<<10)+`"`)), 413},
		"not JSON":         {request{method: http.MethodPost, path: "/v1/wallet/topups", user: 7, key: "k", body: hundred, header: map[string]string{"Content-Type": "text/plain"}}, 415},
		"another method":   {request{method: http.MethodDelete, path: "/v1/wallet", user: 7}, 405},
		"another path":     {request{method: http.MethodGet, path: "/v1/wallet/7", user: 7}, 404},
	} {
		t.Run(name, func(t *testing.T) {
			w := s.do(t, c.request)
			if w.Code != c.status || code(t, w) == "" {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, c.status)
			}
		})
	}
	if n := s.number(t, "SELECT (SELECT COUNT(*) FROM wallet) + (SELECT COUNT(*) FROM ledger_entry) + (SELECT COUNT(*) FROM idempotency)"); n != 0 {
		t.Errorf("bad input left %d rows", n)
	}
}
