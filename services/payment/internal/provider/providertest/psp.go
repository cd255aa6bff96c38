// Package providertest is a payment provider for tests: it keeps its own record
// and misbehaves as it is told.
package providertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"souk.example/pkg/config"
	"souk.example/services/payment/internal/provider"
)

// What the provider, and we in its webhooks, are known by.
const (
	APIKey   = "test-api-key-0123456789-0123456789"
	Secret   = "test-webhook-secret-0123456789-0123456789"
	Merchant = "souk-test"
)

// Manner is how the provider treats one request.
type Manner int

const (
	Properly   Manner = iota
	Down              // 503, without effect
	Hanging           // no answer until the client gives up, without effect
	Replyless         // done, but the connection ends without a reply
	Declining         // the card is declined
	Processing        // whether it succeeds is decided later
	Garbled           // done, but the reply makes no sense
	Refusing          // 422, without effect
	Cheating          // charges another amount
)

// Charge is a charge or, with Of, a refund in the provider's record.
type Charge struct {
	ID          string    `json:"id"`
	Of          string    `json:"charge,omitempty"`
	Reference   string    `json:"reference"`
	Amount      int64     `json:"amount"`
	Currency    string    `json:"currency"`
	Status      string    `json:"status"`
	FailureCode string    `json:"failure_code,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
}

// PSP is the provider. Safe for concurrent use.
type PSP struct {
	*httptest.Server
	// Manner says how to treat the nth request, from 1, with this key and
	// token; nil is properly. It may block. Set it before the first request.
	Manner func(key, token string, nth int) Manner

	mu       sync.Mutex
	requests map[string]int // by key
	byKey    map[string]*Charge
	list     []*Charge // of charges, in order
	refunds  []*Charge
}

// New starts a provider that ends with the test.
func New(t testing.TB) *PSP {
	p := &PSP{requests: map[string]int{}, byKey: map[string]*Charge{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/charges", p.handle(p.charge))
	mux.HandleFunc("POST /v1/refunds", p.handle(p.refund))
	mux.HandleFunc("GET /v1/charges", p.charges)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// Config is what a client of this provider needs.
func (p *PSP) Config() provider.Config {
	return provider.Config{URL: p.URL, APIKey: APIKey, WebhookSecrets: []config.Secret{Secret}, Merchant: Merchant}
}

type request struct {
	Key       string `json:"-"`
	Amount    int64
	Currency  string
	Token     string
	Charge    string
	Reference string
}

// handle does what is common to charges and refunds: keys, and manners.
func (p *PSP) handle(act func(request, Manner) *Charge) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body request
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Authorization") != "Bearer "+APIKey {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body.Key = r.Header.Get("Idempotency-Key")
		manner := p.manner(body)
		switch manner {
		case Down:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		case Refusing:
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = fmt.Fprint(w, `{"code":"amount_exceeds_charge"}`)
			return
		case Hanging:
			<-r.Context().Done()
			return
		}
		c := p.once(body, manner, act)
		switch manner {
		case Replyless:
			panic(http.ErrAbortHandler)
		case Garbled:
			_, _ = fmt.Fprint(w, `{"status":`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(c)
	}
}

func (p *PSP) manner(r request) Manner {
	p.mu.Lock()
	p.requests[r.Key]++
	nth := p.requests[r.Key]
	p.mu.Unlock()
	if p.Manner == nil {
		return Properly
	}
	return p.Manner(r.Key, r.Token, nth)
}

// once acts on a key once, and returns what it did as it stands.
func (p *PSP) once(r request, m Manner, act func(request, Manner) *Charge) Charge {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, done := p.byKey[r.Key]
	if !done {
		c = act(r, m)
		p.byKey[r.Key] = c
	}
	return *c
}

func (p *PSP) charge(r request, m Manner) *Charge {
	c := &Charge{
		ID: fmt.Sprintf("ch_%06d", len(p.list)+1), Reference: r.Reference, Amount: r.Amount, Currency: r.Currency,
		Status: "succeeded", CreatedAt: time.Now(),
	}
	switch m {
	case Declining:
		c.Status, c.FailureCode = "failed", "card_declined"
	case Processing:
		c.Status = "processing"
	case Cheating:
		c.Amount++
	}
	p.list = append(p.list, c)
	return c
}

func (p *PSP) refund(r request, _ Manner) *Charge {
	c := &Charge{
		ID: fmt.Sprintf("re_%06d", len(p.refunds)+1), Of: r.Charge, Reference: r.Reference, Amount: r.Amount,
		Currency: "CNY", Status: "succeeded", CreatedAt: time.Now(),
	}
	p.refunds = append(p.refunds, c)
	return c
}

func (p *PSP) charges(w http.ResponseWriter, r *http.Request) {
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	after := r.URL.Query().Get("after")
	page := struct {
		Items     []Charge `json:"items"`
		NextAfter *string  `json:"next_after"`
	}{Items: []Charge{}}
	for _, c := range p.Charges() {
		switch {
		case c.ID <= after:
		case len(page.Items) < limit:
			page.Items = append(page.Items, c)
		default:
			page.NextAfter = &page.Items[limit-1].ID
		}
	}
	_ = json.NewEncoder(w).Encode(page)
}
