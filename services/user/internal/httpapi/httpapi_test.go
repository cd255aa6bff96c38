package httpapi_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/database/databasetest"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/telemetry"
	"souk.example/services/user/internal/httpapi"
	"souk.example/services/user/internal/password"
	"souk.example/services/user/internal/store"
	"souk.example/services/user/internal/user"
	"souk.example/services/user/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type minter struct{ *auth.Minter }

func (m minter) Mint(u user.User, s user.SessionID) (string, time.Time, error) {
	return m.Minter.Mint(auth.Claims{UserID: int64(u.ID), Role: string(u.Role), SessionID: int64(s)})
}

type service struct {
	http.Handler
	verifier *auth.Verifier
	minter   minter
	changes  *atomic.Int32 // of the blocks

	doorkeeper httpapi.Doorkeeper
	db         *database.DB
	logs       *bytes.Buffer // read it when nothing is being asked
}

// open is the whole service on a database of its own.
func open(t *testing.T, limits password.Config) service {
	t.Helper()
	private, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	m, err := auth.NewMinter(auth.MinterConfig{PrivateKey: private})
	if err != nil {
		t.Fatal(err)
	}
	v, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	if err != nil {
		t.Fatal(err)
	}
	db := databasetest.Open(t, migrations.Set())
	users, sessions, hasher, ids := store.NewUsers(db), store.NewSessions(db), password.New(limits), idgen.Static(1)
	registrar := user.NewRegistrar(users, hasher, ids, time.Now)
	doorkeeper := user.NewDoorkeeper(users, sessions, hasher, minter{m}, ids, time.Now)
	logs, watched := new(bytes.Buffer), telemetry.Nop()
	watched.Logger = slog.New(slog.NewTextHandler(logs, nil))
	router := httpserver.NewRouter(httpserver.Config{}, watched)
	changes := new(atomic.Int32)
	httpapi.New(registrar, doorkeeper, users, sessions, user.NewAddressBook(store.NewAddresses(db), ids, time.Now), store.NewBlocks(db), func() { changes.Add(1) }).Register(router, v)
	return service{Handler: router, verifier: v, minter: minter{m}, changes: changes, doorkeeper: doorkeeper, db: db, logs: logs}
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (s service) call(t *testing.T, method, path, token, body string) reply {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	got := reply{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if got.raw != "" {
		if err := json.Unmarshal(w.Body.Bytes(), &got.body); err != nil {
			t.Fatalf("%s %s: %d %q", method, path, w.Code, got.raw)
		}
	}
	return got
}

func (s service) signUp(t *testing.T, email string) {
	t.Helper()
	got := s.call(t, "POST", "/v1/users", "", `{"email":"`+email+`","password":"wonderland!","name":"Alice"}`)
	if got.status != http.StatusCreated {
		t.Fatalf("sign up: %d %s", got.status, got.raw)
	}
}

func (s service) logIn(t *testing.T, email string) (access, refresh string) {
	t.Helper()
	got := s.call(t, "POST", "/v1/sessions", "", `{"email":"`+email+`","password":"wonderland!"}`)
	if got.status != http.StatusCreated {
		t.Fatalf("log in: %d %s", got.status, got.raw)
	}
	return got.body["access_token"].(string), got.body["refresh_token"].(string)
}

func (s service) refresh(t *testing.T, token string) reply {
	t.Helper()
	return s.call(t, "POST", "/v1/sessions/refresh", "", `{"refresh_token":"`+token+`"}`)
}

func TestFromSignUpToProfile(t *testing.T) {
	s := open(t, password.Config{})
	got := s.call(t, "POST", "/v1/users", "", `{"email":" Alice@Souk.Example","password":"wonderland!","name":"Alice"}`)
	if got.status != 201 || got.body["email"] != "alice@souk.example" || got.body["role"] != "user" || strings.Contains(got.raw, "argon2") {
		t.Fatalf("sign up: %d %s", got.status, got.raw)
	}
	id := got.body["id"].(string)

	got = s.call(t, "POST", "/v1/sessions", "", `{"email":"ALICE@souk.example","password":"wonderland!"}`)
	if got.status != 201 || got.body["token_type"] != "Bearer" || got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("log in: %d %s", got.status, got.raw)
	}
	if seconds := got.body["expires_in"].(float64); seconds < 895 || seconds > 900 {
		t.Errorf("expires_in %v", seconds)
	}
	access := got.body["access_token"].(string)
	claims, err := s.verifier.Verify(t.Context(), access)
	if err != nil || claims.Role != "user" || claims.SessionID == 0 {
		t.Errorf("claims %+v, %v", claims, err)
	}

	if got := s.call(t, "GET", "/v1/me", access, ""); got.status != 200 || got.body["id"] != id {
		t.Errorf("me: %d %s", got.status, got.raw)
	}
	if got := s.call(t, "PATCH", "/v1/me", access, `{"name":"Alicia"}`); got.status != 200 || got.body["name"] != "Alicia" {
		t.Errorf("rename: %d %s", got.status, got.raw)
	}
	if got := s.call(t, "PATCH", "/v1/me", access, `{}`); got.status != 200 || got.body["name"] != "Alicia" {
		t.Errorf("change nothing: %d %s", got.status, got.raw)
	}
}

func TestRefusals(t *testing.T) {
	s := open(t, password.Config{})
	s.signUp(t, "alice@souk.example")
	access, _ := s.logIn(t, "alice@souk.example")
	tests := []struct {
		name, method, path, token, body string
		status                          int
		code                            string
	}{
		{"address taken in another case", "POST", "/v1/users", "", `{"email":"ALICE@Souk.example","password":"wonderland!","name":"A"}`, 409, "email_taken"},
		{"homoglyph", "POST", "/v1/users", "", `{"email":"аlice@souk.example","password":"wonderland!","name":"A"}`, 422, "invalid_email"},
		{"weak password", "POST", "/v1/users", "", `{"email":"b@souk.example","password":"short","name":"A"}`, 422, "weak_password"},
		{"1 MB password", "POST", "/v1/users", "", `{"email":"b@souk.example","password":"` + strings.Repeat("ab", 1<<19) + `","name":"A"}`, 413, "body_too_large"},
		{"60 KB password", "POST", "/v1/users", "", `{"email":"b@souk.example","password":"` + strings.Repeat("ab", 30_000) + `","name":"A"}`, 422, "weak_password"},
		{"role at sign up", "POST", "/v1/users", "", `{"email":"b@souk.example","password":"wonderland!","name":"A","role":"admin"}`, 422, "invalid_body"},
		{"id at sign up", "POST", "/v1/users", "", `{"email":"b@souk.example","password":"wonderland!","name":"A","id":"1"}`, 422, "invalid_body"},
		{"nothing at sign up", "POST", "/v1/users", "", `{}`, 422, "invalid_email"},
		{"injection", "POST", "/v1/sessions", "", `{"email":"' OR 1=1--","password":"' OR 1=1--"}`, 401, "invalid_credentials"},
		{"wrong password", "POST", "/v1/sessions", "", `{"email":"alice@souk.example","password":"wonderland?"}`, 401, "invalid_credentials"},
		{"unknown address", "POST", "/v1/sessions", "", `{"email":"bob@souk.example","password":"wonderland!"}`, 401, "invalid_credentials"},
		{"empty password", "POST", "/v1/sessions", "", `{"email":"alice@souk.example","password":""}`, 401, "invalid_credentials"},
		{"60 KB password at login", "POST", "/v1/sessions", "", `{"email":"alice@souk.example","password":"` + strings.Repeat("a", 60_000) + `"}`, 401, "invalid_credentials"},
		{"unknown refresh token", "POST", "/v1/sessions/refresh", "", `{"refresh_token":"` + strings.Repeat("A", 43) + `"}`, 401, "invalid_refresh_token"},
		{"no refresh token", "POST", "/v1/sessions/refresh", "", `{}`, 401, "invalid_refresh_token"},
		{"access token as refresh token", "POST", "/v1/sessions/refresh", "", `{"refresh_token":"` + access + `"}`, 401, "invalid_refresh_token"},
		{"me without a token", "GET", "/v1/me", "", "", 401, "unauthenticated"},
		{"sessions without a token", "GET", "/v1/sessions", "", "", 401, "unauthenticated"},
		{"role in the profile", "PATCH", "/v1/me", access, `{"role":"admin"}`, 422, "invalid_body"},
		{"e-mail in the profile", "PATCH", "/v1/me", access, `{"email":"b@souk.example"}`, 422, "invalid_body"},
		{"empty name", "PATCH", "/v1/me", access, `{"name":""}`, 422, "invalid_name"},
		{"ANSI in the name", "PATCH", "/v1/me", access, `{"name":"\u001b[31m"}`, 422, "invalid_name"},
		{"tampered cursor", "GET", "/v1/sessions?cursor=YWZ0ZXI6MHgx", access, "", 422, "invalid_query"},
		{"huge limit", "GET", "/v1/sessions?limit=1000000000", access, "", 422, "invalid_query"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.call(t, tt.method, tt.path, tt.token, tt.body)
			if got.status != tt.status || got.body["code"] != tt.code {
				t.Errorf("got %d %s, want %d %s", got.status, got.raw, tt.status, tt.code)
			}
			if strings.Contains(got.raw, "wonderland") || strings.Contains(got.raw, "OR 1=1") {
				t.Errorf("the reply repeats what was sent: %s", got.raw)
			}
		})
	}
	if got := s.call(t, "POST", "/v1/users", "", `{"email":"b@souk.example","password":"wonderland!","name":"A"}`); got.status != 201 {
		t.Errorf("a refused registration left something behind: %d %s", got.status, got.raw)
	}
}

// Nobody learns from a login whether an address has an account.
func TestLoginAnswersAlike(t *testing.T) {
	s := open(t, password.Config{})
	s.signUp(t, "alice@souk.example")
	strip := func(r reply) string {
		delete(r.body, "request_id")
		b, _ := json.Marshal(r.body)
		return string(b)
	}
	wrong := s.call(t, "POST", "/v1/sessions", "", `{"email":"alice@souk.example","password":"wonderland?"}`)
	nobody := s.call(t, "POST", "/v1/sessions", "", `{"email":"bob@souk.example","password":"wonderland?"}`)
	if wrong.status != nobody.status || strip(wrong) != strip(nobody) {
		t.Errorf("%d %s against %d %s", wrong.status, wrong.raw, nobody.status, nobody.raw)
	}
}

func TestPasswordsEqualInTheFirst72Bytes(t *testing.T) {
	s := open(t, password.Config{})
	long := strings.Repeat("ab", 36)
	s.call(t, "POST", "/v1/users", "", `{"email":"a@souk.example","password":"`+long+`1","name":"A"}`)
	if got := s.call(t, "POST", "/v1/sessions", "", `{"email":"a@souk.example","password":"`+long+`2"}`); got.status != 401 {
		t.Errorf("got %d", got.status)
	}
	if got := s.call(t, "POST", "/v1/sessions", "", `{"email":"a@souk.example","password":"`+long+`1"}`); got.status != 201 {
		t.Errorf("got %d", got.status)
	}
}
