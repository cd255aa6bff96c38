package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

var web = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 128, MaxConnsPerHost: 256},
}

// customer is someone with an access token.
type customer struct {
	souk  *souk
	id    string
	email string
	token string
}

type minted struct {
	UserID      string `json:"user_id"`
	Email       string `json:"email"`
	AccessToken string `json:"access_token"`
}

// richCustomers are load-test users with funded wallets.
func richCustomers(t *testing.T, s *souk, n int) []*customer {
	t.Helper()
	var out []*customer
	for _, m := range runJSON[[]minted](t, s, "token", "--count", fmt.Sprint(n)) {
		out = append(out, &customer{souk: s, id: m.UserID, email: m.Email, token: m.AccessToken})
	}
	if len(out) != n {
		t.Fatalf("asked for %d tokens, got %d", n, len(out))
	}
	return out
}

func admin(t *testing.T, s *souk) *customer {
	t.Helper()
	m := runJSON[[]minted](t, s, "token", "--admin")[0]
	return &customer{souk: s, id: m.UserID, email: m.Email, token: m.AccessToken}
}

const newcomersPassword = "correct horse battery staple"

// newcomer registers and logs in: a user whose wallet is empty.
func newcomer(t *testing.T, s *souk) *customer {
	t.Helper()
	c := &customer{souk: s, email: "e2e-" + rand.Text() + "@example.com"}
	r := c.post(t, "/v1/users", "", map[string]any{"email": c.email, "password": newcomersPassword, "name": "E2E"})
	r.expect(t, http.StatusCreated)
	c.id = r.json(t)["id"].(string)
	r = c.post(t, "/v1/sessions", "", map[string]any{"email": c.email, "password": newcomersPassword})
	r.expect(t, http.StatusCreated)
	c.token = r.json(t)["access_token"].(string)
	return c
}

// reply is one HTTP response.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(r.body, &v); err != nil {
		t.Fatalf("%v in %q", err, r.body)
	}
	return v
}

func (r reply) code() string {
	var p struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(r.body, &p)
	return p.Code
}

func (r reply) expect(t *testing.T, status int) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
}

func (c *customer) get(t *testing.T, path string) reply {
	t.Helper()
	r, err := c.send(http.MethodGet, path, "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (c *customer) post(t *testing.T, path, key string, body any) reply {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.send(http.MethodPost, path, key, "application/json", raw)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (c *customer) send(method, path, key, contentType string, body []byte) (reply, error) {
	req, err := http.NewRequest(method, c.souk.url(path), bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return do(req)
}

func do(req *http.Request) (reply, error) {
	resp, err := web.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return reply{status: resp.StatusCode, header: resp.Header, body: got}, err
}

// order is an order as the API shows it.
type order struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Payable amount `json:"payable"`
	Payment struct {
		Status string `json:"status"`
	} `json:"payment"`
	Timeline []moment `json:"timeline"`
}

// moment is a line of an order's timeline.
type moment struct {
	Status  string    `json:"status"`
	At      time.Time `json:"at"`
	Service string    `json:"service"`
	Reason  string    `json:"reason"`
}

type amount struct {
	Amount int64 `json:"amount"`
}

func (o order) atRest() bool {
	return o.Status == "COMPLETED" || o.Status == "REJECTED" || o.Status == "CANCELLED" || o.Status == "RETURNED"
}

func (o order) statuses() string {
	var s string
	for _, e := range o.Timeline {
		s += e.Status + " "
	}
	return s
}

func buying(sku string, quantity int) map[string]any {
	return map[string]any{
		"items":   []map[string]any{{"sku": sku, "quantity": quantity}},
		"payment": map[string]string{"method": "wallet"},
	}
}

// buyingByCard is buying with a card instead of the wallet.
func buyingByCard(sku, token string) map[string]any {
	body := buying(sku, 1)
	body["payment"] = map[string]string{"method": "card", "token": token}
	return body
}

// buy places an order that must be accepted.
func (c *customer) buy(t *testing.T, sku string, quantity int) order {
	t.Helper()
	return c.place(t, buying(sku, quantity))
}

// place is buy for any order.
func (c *customer) place(t *testing.T, body map[string]any) order {
	t.Helper()
	r := c.post(t, "/v1/orders", rand.Text(), body)
	r.expect(t, http.StatusCreated)
	return decodeOrder(t, r)
}

// cancel asks to cancel one of the customer's orders.
func (c *customer) cancel(t *testing.T, id string) reply {
	t.Helper()
	return c.post(t, "/v1/orders/"+id+"/cancel", "", map[string]any{})
}

func (c *customer) order(t *testing.T, id string) order {
	t.Helper()
	r := c.get(t, "/v1/orders/"+id)
	r.expect(t, http.StatusOK)
	return decodeOrder(t, r)
}

func decodeOrder(t *testing.T, r reply) order {
	t.Helper()
	var o order
	if err := json.Unmarshal(r.body, &o); err != nil {
		t.Fatalf("%v in %q", err, r.body)
	}
	return o
}

// awaitRest is settled for a goroutine of its own, where a test cannot end. It
// looks once at least.
func (c *customer) awaitRest(id string, within time.Duration) (o order, err error) {
	for deadline := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		r, err := c.send(http.MethodGet, "/v1/orders/"+id, "", "", nil)
		if err == nil && r.status != http.StatusOK {
			err = fmt.Errorf("order %s: status %d: %s", id, r.status, r.body)
		}
		if err == nil {
			err = json.Unmarshal(r.body, &o)
		}
		if err != nil || o.atRest() {
			return o, err
		}
		if time.Now().After(deadline) {
			return o, fmt.Errorf("order %s is still %s after %s", id, o.Status, within)
		}
	}
}

// settled waits until one of the customer's orders is at rest.
func (c *customer) settled(t *testing.T, id string, within time.Duration) order {
	t.Helper()
	var o order
	eventually(t, within, "order "+id+" to come to rest", func() bool {
		o = c.order(t, id)
		return o.atRest()
	})
	return o
}
