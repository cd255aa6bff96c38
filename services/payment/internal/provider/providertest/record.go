package providertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"testing"
	"time"
)

// Charges is the provider's record of charges, in order.
func (p *PSP) Charges() []Charge { return p.record(&p.list) }

// Refunds is the provider's record of refunds, in order.
func (p *PSP) Refunds() []Charge { return p.record(&p.refunds) }

func (p *PSP) record(list *[]*Charge) []Charge {
	p.mu.Lock()
	defer p.mu.Unlock()
	copies := make([]Charge, len(*list))
	for i, c := range *list {
		copies[i] = *c
	}
	return copies
}

// Requests is how often the provider was asked with this key.
func (p *PSP) Requests(key string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[key]
}

// Amend changes what the provider has on record for key, or adds c to it.
func (p *PSP) Amend(key string, change func(c *Charge)) Charge {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, known := p.byKey[key]
	if !known {
		c = p.charge(request{Reference: key, Currency: "CNY"}, Properly)
		p.byKey[key] = c
	}
	change(c)
	return *c
}

// Notice is a webhook's body of this type about c.
func Notice(t testing.TB, kind, merchant string, c Charge) []byte {
	t.Helper()
	notice := map[string]any{"id": "evt_1", "type": kind, "merchant": merchant, "created_at": time.Now(), "charge": c}
	if c.Of != "" {
		notice["refund"] = c
	}
	body, err := json.Marshal(notice)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// Sign is the signature header of body with these secrets.
func Sign(at time.Time, body []byte, secrets ...string) string {
	header := "t=" + strconv.FormatInt(at.Unix(), 10)
	for _, s := range secrets {
		mac := hmac.New(sha256.New, []byte(s))
		mac.Write([]byte(strconv.FormatInt(at.Unix(), 10) + "." + string(body)))
		header += ",v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	return header
}
