package httpapi_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"souk.example/pkg/database"
	"souk.example/services/user/internal/password"
	"souk.example/services/user/internal/user"
)

const (
	home = `{"recipient":"Alice","phone":"+86 10 1234","line1":"1 Main St.","line2":"Flat 2","city":"Beijing","region":"BJ","postal_code":"100000","country":"CN"}`
	work = `{"recipient":"Alice","phone":"0123","line1":"2 High St.","city":"Paris","country":"FR","default":true}`
)

// signedUp is the access token of a new user.
func (s service) signedUp(t *testing.T, email string) string {
	t.Helper()
	s.signUp(t, email)
	access, _ := s.logIn(t, email)
	return access
}

func (s service) addAddress(t *testing.T, token, body string) string {
	t.Helper()
	got := s.call(t, "POST", "/v1/addresses", token, body)
	if got.status != 201 {
		t.Fatalf("add: %d %s", got.status, got.raw)
	}
	return got.body["id"].(string)
}

func TestAddresses(t *testing.T) {
	s := open(t, password.Config{})
	access := s.signedUp(t, "alice@souk.example")
	if got := s.call(t, "GET", "/v1/addresses", access, ""); got.status != 200 || got.raw != `{"items":[],"next_cursor":null}` {
		t.Errorf("none yet: %d %s", got.status, got.raw)
	}
	first, second := s.addAddress(t, access, home), s.addAddress(t, access, work)

	list := s.call(t, "GET", "/v1/addresses?limit=1", access, "")
	items := list.body["items"].([]any)
	old := items[0].(map[string]any)
	if len(items) != 1 || old["id"] != first || old["default"] != false || old["line2"] != "Flat 2" || old["postal_code"] != "100000" {
		t.Errorf("first page: %s", list.raw)
	}
	rest := s.call(t, "GET", "/v1/addresses?cursor="+list.body["next_cursor"].(string), access, "")
	items = rest.body["items"].([]any)
	if len(items) != 1 || items[0].(map[string]any)["id"] != second || rest.body["next_cursor"] != nil || strings.Contains(rest.raw, "line2") {
		t.Errorf("second page: %s", rest.raw)
	}

	got := s.call(t, "PUT", "/v1/addresses/"+first, access, work)
	if got.status != 200 || got.body["city"] != "Paris" || got.body["region"] != nil || got.body["default"] != true || got.body["created_at"] != old["created_at"] {
		t.Errorf("replace: %d %s", got.status, got.raw)
	}
	if got := s.call(t, "DELETE", "/v1/addresses/"+second, access, ""); got.status != 204 || got.raw != "" {
		t.Errorf("delete: %d %s", got.status, got.raw)
	}
	left := s.call(t, "GET", "/v1/addresses", access, "")
	if items := left.body["items"].([]any); len(items) != 1 || items[0].(map[string]any)["line1"] != "2 High St." {
		t.Errorf("left: %s", left.raw)
	}
}

// Somebody else's address is answered like nobody's.
func TestAddressesOfOthers(t *testing.T) {
	s := open(t, password.Config{})
	alice, mallory := s.signedUp(t, "alice@souk.example"), s.signedUp(t, "mallory@souk.example")
	hers := s.addAddress(t, alice, home)
	before := s.call(t, "GET", "/v1/addresses", alice, "").raw
	for _, method := range []string{"PUT", "DELETE"} {
		for _, id := range []string{hers, "1", "abc", "0", "99999999999999999999", "1%27%20OR%201=1--"} {
			got := s.call(t, method, "/v1/addresses/"+id, mallory, work)
			if got.status != 404 || got.body["code"] != "address_not_found" || got.body["detail"] != "there is no such address" {
				t.Errorf("%s %s: %d %s", method, id, got.status, got.raw)
			}
		}
	}
	if got := s.call(t, "GET", "/v1/addresses", mallory, ""); len(got.body["items"].([]any)) != 0 {
		t.Errorf("mallory sees %s", got.raw)
	}
	if after := s.call(t, "GET", "/v1/addresses", alice, "").raw; after != before {
		t.Errorf("it was %s and is %s", before, after)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	s := open(t, password.Config{})
	access := s.signedUp(t, "alice@souk.example")
	id := s.addAddress(t, access, home)
	in := func(old, replacement string) string { return strings.Replace(home, old, replacement, 1) }
	tests := []struct {
		name, body  string
		code, field string
	}{
		{"nothing", `{}`, "invalid_address", "recipient"},
		{"a recipient without a shape", in(`Alice`, `\u200b`), "invalid_address", "recipient"},
		{"two lines", in(`Main St.`, `Main\u2028St.`), "invalid_address", "line1"},
		{"a country by name", in(`"CN"`, `"China"`), "invalid_address", "country"},
		{"a country in lower case", in(`"CN"`, `"cn"`), "invalid_address", "country"},
		{"no digits", in(`+86 10 1234`, `call Alice`), "invalid_address", "phone"},
		{"writing turned around", in(`Main St.`, `Main \u202eSt.`), "invalid_address", "line1"},
		{"ANSI", in(`Flat 2`, `\u001b[31mFlat`), "invalid_address", "line2"},
		{"too long", in(`Beijing`, strings.Repeat("Main", 26)), "invalid_address", "city"},
		{"null", in(`"BJ"`, `null`), "invalid_body", "region"},
		{"default as text", in(`"country"`, `"default":"true","country"`), "invalid_body", "default"},
		{"id", in(`"country"`, `"id":"1","country"`), "invalid_body", "id"},
		{"somebody else's", in(`"country"`, `"user_id":"1","country"`), "invalid_body", "user_id"},
		{"twice", in(`"country"`, `"city":"Main","country"`), "invalid_body", "city"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for method, path := range map[string]string{"POST": "/v1/addresses", "PUT": "/v1/addresses/" + id} {
				got := s.call(t, method, path, access, tt.body)
				if got.status != 422 || got.body["code"] != tt.code || got.body["errors"].([]any)[0].(map[string]any)["field"] != tt.field {
					t.Errorf("%s: %d %s", method, got.status, got.raw)
				}
				if strings.Contains(got.raw, "Main") || strings.Contains(got.raw, "Alice") {
					t.Errorf("the reply repeats what was sent: %s", got.raw)
				}
			}
		})
	}
	all := s.call(t, "POST", "/v1/addresses", access, `{"phone":"call Alice"}`)
	var fields []string
	for _, e := range all.body["errors"].([]any) {
		fields = append(fields, e.(map[string]any)["field"].(string))
	}
	if got := strings.Join(fields, " "); got != "recipient line1 city phone country" {
		t.Errorf("%s are named: %s", got, all.raw)
	}
	if got := s.call(t, "GET", "/v1/addresses?cursor=YWZ0ZXI6MHgx", access, ""); got.status != 422 || got.body["code"] != "invalid_query" {
		t.Errorf("tampered cursor: %d %s", got.status, got.raw)
	}
	for method, path := range map[string]string{"GET": "", "POST": "", "PUT": "/" + id, "DELETE": "/" + id} {
		if got := s.call(t, method, "/v1/addresses"+path, "", home); got.status != 401 {
			t.Errorf("%s without a token: %d", method, got.status)
		}
	}
}

func TestTooManyAddresses(t *testing.T) {
	s := open(t, password.Config{})
	access := s.signedUp(t, "alice@souk.example")
	replies := make(chan reply, user.MaxAddresses+5)
	var wg sync.WaitGroup
	for range cap(replies) {
		wg.Go(func() { replies <- s.call(t, "POST", "/v1/addresses", access, work) })
	}
	wg.Wait()
	close(replies)
	codes := map[any]int{}
	for r := range replies {
		codes[r.body["code"]]++
	}
	if len(codes) != 2 || codes[nil] != user.MaxAddresses || codes["too_many_addresses"] != 5 {
		t.Errorf("got %v", codes)
	}
	list := s.call(t, "GET", "/v1/addresses?limit=100", access, "")
	if n := len(list.body["items"].([]any)); n != user.MaxAddresses || strings.Count(list.raw, `"default":true`) != 1 {
		t.Errorf("%d stand: %s", n, list.raw)
	}
}

// Neither what is kept, nor what is refused, nor what meets a broken database
// is told to the log or, by an error, to the client.
func TestAddressesAreNotLogged(t *testing.T) {
	s := open(t, password.Config{})
	access := s.signedUp(t, "alice@souk.example")
	path := "/v1/addresses/" + s.addAddress(t, access, home)
	s.call(t, "POST", "/v1/addresses", access, strings.Replace(home, "CN", "China", 1))
	err := s.db.InTx(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "DROP TABLE address")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	replies := ""
	for method, path := range map[string]string{"GET": "/v1/addresses", "POST": "/v1/addresses", "PUT": path, "DELETE": path} {
		got := s.call(t, method, path, access, home)
		if got.status != 500 {
			t.Errorf("%s without a table: %d %s", method, got.status, got.raw)
		}
		replies += got.raw
	}
	logs := s.logs.String()
	if !strings.Contains(logs, "add address") {
		t.Errorf("the log does not say what failed: %s", logs)
	}
	for _, personal := range []string{"Alice", "86 10 1234", "Main St.", "Flat 2", "Beijing", "China"} {
		if strings.Contains(logs+replies, personal) {
			t.Errorf("%q got out: %s %s", personal, logs, replies)
		}
	}
}
