package httpapi_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/money"
	"souk.example/pkg/telemetry"
	"souk.example/services/points/internal/httpapi"
	"souk.example/services/points/internal/points"
	"souk.example/services/points/internal/store"
	"souk.example/services/points/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 11, 21, 8, 0, 0, 123_456_000, time.UTC)

// service is points' HTTP surface on a database of its own.
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
	db := databasetest.Open(t, migrations.Set())
	router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	httpapi.New(store.New(db)).Register(router, verifier)
	return &service{Handler: router, db: db, minter: minter}
}

type silence struct{}

func (silence) Append(context.Context, *database.Tx, string, ...eventbus.Event) error { return nil }

// reward pays orders, n × 100 fen for order n, by two rules.
func (s *service) reward(t *testing.T, user points.UserID, orders ...points.OrderID) {
	t.Helper()
	rules := append(points.EarnRules(), points.Rule{Name: "festival", Points: 10, Per: money.Of(100, "CNY")})
	paid := make([]points.Request, len(orders))
	for i, id := range orders {
		paid[i] = points.Request{Order: id, User: user, Action: points.Confirm, Paid: money.Of(int64(id)*100, "CNY")}
	}
	s.settle(t, rules, paid...)
}

func (s *service) settle(t *testing.T, rules []points.Rule, requests ...points.Request) {
	t.Helper()
	settler := points.NewSettler(rules, func() time.Time { return at })
	err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return settler.Settle(ctx, store.NewUnit(tx, silence{}), requests)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// get asks as the user; user 0 comes without a token.
func (s *service) get(t *testing.T, user int64, path string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if user != 0 {
		token, _, err := s.minter.Mint(auth.Claims{UserID: user, Role: "user", SessionID: 1})
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w
}

type page struct {
	Items []struct {
		OrderID string `json:"order_id"`
		Rule    string
		Amount  int64
		At      string
	}
	NextCursor *string `json:"next_cursor"`
}

func (s *service) page(t *testing.T, user int64, query string) (p page) {
	t.Helper()
	w := s.get(t, user, "/v1/points/entries"+query)
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: got %d %s, %v", query, w.Code, w.Body, err)
	}
	return p
}

func TestAccount(t *testing.T) {
	s := newService(t)
	s.reward(t, 7, 1, 2, 3)
	for user, want := range map[int64]string{7: `{"balance":66,"frozen":0}`, 8: `{"balance":0,"frozen":0}`} {
		if w := s.get(t, user, "/v1/points"); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("user %d: got %d %s, want %s", user, w.Code, w.Body, want)
		}
	}
}

// What open orders are promised shows as frozen; what a paid one used is an
// entry like what it earned.
func TestPointsInUse(t *testing.T) {
	s := newService(t)
	s.reward(t, 7, 5) // 5 by purchase, 50 by the festival
	s.settle(t, points.EarnRules(),
		points.Request{Order: 8, User: 7, Action: points.Try, Points: 30},
		points.Request{Order: 9, User: 7, Action: points.Try, Points: 20},
		points.Request{Order: 9, User: 7, Action: points.Confirm, Points: 20, Paid: money.Of(100, "CNY")})
	if w := s.get(t, 7, "/v1/points"); w.Body.String() != `{"balance":36,"frozen":30}` {
		t.Errorf("got %s", w.Body)
	}
	p := s.page(t, 7, "?limit=2")
	if len(p.Items) != 2 || p.Items[1].Rule != "redeem" || p.Items[1].Amount != -20 || p.Items[1].OrderID != "9" {
		t.Errorf("entries %+v", p.Items)
	}
}

// The pages of a list, one after the other, are the list, whatever their size.
func TestEntriesPageByPage(t *testing.T) {
	s := newService(t)
	s.reward(t, 7, 1, 2, 3, 4, 5)
	s.reward(t, 8, 6)
	want := []string{}
	for id := 5; id >= 1; id-- {
		want = append(want, strconv.Itoa(id)+" festival "+strconv.Itoa(id*10), strconv.Itoa(id)+" purchase "+strconv.Itoa(id))
	}
	for _, limit := range []string{"1", "3", "10", "100"} {
		got, query := []string{}, "?limit="+limit
		for {
			p := s.page(t, 7, query)
			for _, it := range p.Items {
				got = append(got, it.OrderID+" "+it.Rule+" "+strconv.FormatInt(it.Amount, 10))
				if it.At != "2026-11-21T08:00:00.123Z" {
					t.Errorf("at is %s", it.At)
				}
			}
			if p.NextCursor == nil {
				break
			}
			query = "?limit=" + limit + "&cursor=" + *p.NextCursor
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %s: %v, want %v", limit, got, want)
		}
	}
}

func TestNoEntries(t *testing.T) {
	w := newService(t).get(t, 7, "/v1/points/entries")
	if w.Code != http.StatusOK || w.Body.String() != `{"items":[],"next_cursor":null}` {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// A cursor starts a page of the caller's own entries, whoever it was made for.
func TestCursorOpensNoOthersEntries(t *testing.T) {
	s := newService(t)
	s.reward(t, 7, 1, 2, 3)
	p := s.page(t, 7, "?limit=1")
	if others := s.page(t, 8, "?cursor="+*p.NextCursor); len(others.Items) != 0 {
		t.Errorf("user 8 sees %v", others.Items)
	}
}

func TestBadQuery(t *testing.T) {
	s := newService(t)
	s.reward(t, 7, 1, 2, 3)
	good := *s.page(t, 7, "?limit=1").NextCursor
	queries := map[string]string{
		"no limit": "?limit=", "zero": "?limit=0", "negative": "?limit=-1", "huge": "?limit=1000000000", "a word": "?limit=ten",
		"empty cursor": "?cursor=", "not base64": "?cursor=!!", "another's making": "?cursor=" + base64.RawURLEncoding.EncodeToString([]byte("before:1")),
		"injection": "?cursor=%27%20OR%201%3D1--", "short": "?cursor=" + good[:3], "cut": "?cursor=" + good[:len(good)-4], "longer": "?cursor=" + good + "AAAA",
	}
	for i := range good {
		mangled := []byte(good)
		mangled[i] = map[bool]byte{true: 'B', false: 'A'}[mangled[i] == 'A']
		queries["mangled at "+strconv.Itoa(i)] = "?cursor=" + string(mangled)
	}
	for name, query := range queries {
		t.Run(name, func(t *testing.T) {
			w := s.get(t, 7, "/v1/points/entries"+query)
			var problem struct{ Code string }
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != http.StatusUnprocessableEntity || problem.Code != "invalid_query" {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestEveryRouteIsItsOwners(t *testing.T) {
	s := newService(t)
	for _, path := range []string{"/v1/points", "/v1/points/entries"} {
		if w := s.get(t, 0, path); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
	}
}
