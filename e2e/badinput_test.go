package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const jsonType = "application/json"

// bad is one request that must be refused.
type bad struct {
	method, path string // POST /v1/orders when empty
	body         string
	contentType  string            // application/json when empty
	key          string            // a fresh one when empty, none when "-"
	header       map[string]string // on top
	anonymous    bool              // send no token
	want         refusal
}

// refusal is the right answer to bad input: the status and the stable code.
type refusal struct {
	status int
	code   string
}

func malformed() refusal  { return refusal{http.StatusBadRequest, "malformed_json"} }
func misshapen() refusal  { return refusal{http.StatusUnprocessableEntity, "invalid_body"} }
func notAnOrder() refusal { return refusal{http.StatusUnprocessableEntity, "invalid_order"} }
func badQuery() refusal   { return refusal{http.StatusUnprocessableEntity, "invalid_query"} }
func notFound() refusal   { return refusal{http.StatusNotFound, "order_not_found"} }
func badPath() refusal    { return refusal{http.StatusBadRequest, "invalid_path"} }

// lines is an order's body with the given items.
func lines(items string) string { return `{"items": [` + items + `], "payment": {"method": "wallet"}}` }

// one is an order's body with one line of SKU-0001.
func one(quantity string) string { return lines(`{"sku": "SKU-0001", "quantity": ` + quantity + `}`) }

// payment is an order's body that is to be paid that way.
func payment(how string) string {
	return `{"items": [{"sku": "SKU-0001", "quantity": 1}], "payment": ` + how + `}`
}

// with is an otherwise good order with something more at its top level.
func with(more string) string {
	return `{"items": [{"sku": "SKU-0001", "quantity": 1}], "payment": {"method": "wallet"}, ` + more + `}`
}

func badJSON() map[string]bad {
	return map[string]bad{
		"empty":              {body: "", want: malformed()},
		"null":               {body: "null", want: malformed()},
		"array":              {body: "[]", want: malformed()},
		"string":             {body: `"x"`, want: malformed()},
		"truncated":          {body: one("1")[:20], want: malformed()},
		"trailing garbage":   {body: one("1") + "x", want: malformed()},
		"two documents":      {body: one("1") + one("1"), want: malformed()},
		"duplicate key":      {body: with(`"payment": {"method": "wallet"}`), want: misshapen()},
		"duplicate deep key": {body: lines(`{"sku": "SKU-0001", "quantity": 1, "quantity": 2}`), want: misshapen()},
		"case-variant key":   {body: strings.Replace(one("1"), "items", "Items", 1), want: misshapen()},
		"unknown field":      {body: with(`"coupon": "X"`), want: misshapen()},
		"an address":         {body: with(`"address_id": "1"`), want: misshapen()}, // whose it is order could not tell
		"deep nesting":       {body: with(`"x": ` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)), want: malformed()},
		"64 KiB + 1":         {body: one("1") + strings.Repeat(" ", 64<<10+1-len(one("1"))), want: refusal{http.StatusRequestEntityTooLarge, "body_too_large"}},
		"gzip bomb":          {body: bomb(), header: map[string]string{"Content-Encoding": "gzip"}, want: refusal{http.StatusUnsupportedMediaType, "unsupported_encoding"}},
		"invalid UTF-8":      {body: lines("{\"sku\": \"SKU-\xff\", \"quantity\": 1}"), want: malformed()},
		"lone surrogate":     {body: lines(`{"sku": "SKU-\ud800", "quantity": 1}`), want: malformed()},
		"NUL":                {body: lines(`{"sku": "SKU-\u0000", "quantity": 1}`), want: malformed()},
		"raw NUL":            {body: "\x00" + one("1"), want: malformed()},
		"BOM":                {body: "\ufeff" + one("1"), want: malformed()},
		"wrong content type": {body: one("1"), contentType: "text/plain", want: refusal{http.StatusUnsupportedMediaType, "unsupported_media_type"}},
		"form":               {body: "items=1", contentType: "application/x-www-form-urlencoded", want: refusal{http.StatusUnsupportedMediaType, "unsupported_media_type"}},
	}
}

func badOrders() map[string]bad {
	return map[string]bad{
		"quantity 0":               {body: one("0"), want: notAnOrder()},
		"quantity -1":              {body: one("-1"), want: notAnOrder()},
		"quantity 1.5":             {body: one("1.5"), want: misshapen()},
		"quantity 1e3":             {body: one("1e3"), want: misshapen()},
		"quantity as text":         {body: one(`"1"`), want: misshapen()},
		"quantity 2^63-1":          {body: one("9223372036854775807"), want: notAnOrder()},
		"quantity 2^63":            {body: one("9223372036854775808"), want: misshapen()},
		"quantity × price too big": {body: one("922337203685477580"), want: notAnOrder()},
		"no lines":                 {body: lines(""), want: notAnOrder()},
		"101 lines":                {body: lines(manyLines(101)), want: notAnOrder()},
		"unknown SKU":              {body: lines(`{"sku": "NO-SUCH", "quantity": 1}`), want: refusal{http.StatusUnprocessableEntity, "unknown_sku"}},
		"SKU with SQL":             {body: lines(`{"sku": "' OR 1=1--", "quantity": 1}`), want: refusal{http.StatusUnprocessableEntity, "unknown_sku"}},
		"oversize SKU":             {body: lines(`{"sku": "` + strings.Repeat("S", 5000) + `", "quantity": 1}`), want: notAnOrder()},
		"client's price":           {body: lines(`{"sku": "SKU-0001", "quantity": 1, "unit_price": 1}`), want: misshapen()},
		"client's total":           {body: with(`"total": {"amount": 1, "currency": "CNY"}`), want: misshapen()},
		"client's status":          {body: with(`"status": "COMPLETED"`), want: misshapen()},
		"client's user":            {body: with(`"user_id": "1"`), want: misshapen()},
		"client's currency":        {body: with(`"currency": "usd"`), want: misshapen()},
		"no payment":               {body: `{"items": [{"sku": "SKU-0001", "quantity": 1}]}`, want: notAnOrder()},
		"unknown method":           {body: strings.Replace(one("1"), "wallet", "gold", 1), want: notAnOrder()},
		"no key":                   {body: one("1"), key: "-", want: refusal{http.StatusBadRequest, "idempotency_key_required"}},
		"256-character key":        {body: one("1"), key: strings.Repeat("k", 256), want: refusal{http.StatusBadRequest, "idempotency_key_invalid"}},
		"key beyond ASCII":         {body: one("1"), key: "schlüssel", want: refusal{http.StatusBadRequest, "idempotency_key_invalid"}},
		"no order of that id":      {method: "GET", path: "/v1/orders/1", want: notFound()},
		"id that is none":          {method: "GET", path: "/v1/orders/abc", want: notFound()},
		"id with SQL":              {method: "GET", path: "/v1/orders/1%27%20OR%201=1--", want: notFound()},
		"id too large":             {method: "GET", path: "/v1/orders/99999999999999999999", want: notFound()},
		"limit 0":                  {method: "GET", path: "/v1/orders?limit=0", want: badQuery()},
		"limit 10^9":               {method: "GET", path: "/v1/orders?limit=1000000000", want: badQuery()},
		"limit twice":              {method: "GET", path: "/v1/orders?limit=1&limit=2", want: refusal{http.StatusBadRequest, "invalid_query"}},
		"tampered cursor":          {method: "GET", path: "/v1/orders?cursor=%27%3Bdrop", want: badQuery()},
		"unknown status":           {method: "GET", path: "/v1/orders?status=x%27--", want: badQuery()},
		"method not allowed":       {method: "DELETE", path: "/v1/orders", want: refusal{http.StatusMethodNotAllowed, "method_not_allowed"}},
		"override header":          {method: "GET", path: "/v1/orders/1", header: map[string]string{"X-HTTP-Method-Override": "DELETE"}, want: notFound()},
		"dots in path":             {method: "GET", path: "/v1/orders/%2e%2e/me", want: badPath()},
		"double slash":             {method: "GET", path: "//v1/orders", want: badPath()},
		"semicolon in path":        {method: "GET", path: "/v1/orders;x=1", want: badPath()},
		"no token":                 {body: one("1"), anonymous: true, want: refusal{http.StatusUnauthorized, "unauthenticated"}},
		"spoofed user":             {body: one("1"), anonymous: true, header: map[string]string{"X-User-Id": "1"}, want: refusal{http.StatusUnauthorized, "unauthenticated"}},
	}
}

func badMoney() map[string]bad {
	cancel := func(id string, want refusal) bad {
		return bad{method: "POST", path: "/v1/orders/" + id + "/cancel", body: "{}", want: want}
	}
	hook := func(body string, header map[string]string, want refusal) bad {
		return bad{method: "POST", path: "/v1/webhooks/psp", body: body, anonymous: true, header: header, want: want}
	}
	unsigned := refusal{http.StatusUnauthorized, "bad_signature"}
	return map[string]bad{
		"card without a token":      {body: payment(`{"method": "card"}`), want: notAnOrder()},
		"empty token":               {body: payment(`{"method": "card", "token": ""}`), want: notAnOrder()},
		"token as a number":         {body: payment(`{"method": "card", "token": 4111111111111111}`), want: misshapen()},
		"token of 256":              {body: payment(`{"method": "card", "token": "` + strings.Repeat("t", 256) + `"}`), want: notAnOrder()},
		"token with a space":        {body: payment(`{"method": "card", "token": "tok ok"}`), want: notAnOrder()},
		"token with a line break":   {body: payment(`{"method": "card", "token": "tok\nok"}`), want: notAnOrder()},
		"token beyond ASCII":        {body: payment(`{"method": "card", "token": "tök"}`), want: notAnOrder()},
		"a card's number":           {body: payment(`{"method": "card", "token": "4111111111111111"}`), want: notAnOrder()},
		"a card's number, grouped":  {body: payment(`{"method": "card", "token": "4111-1111-1111-1111"}`), want: notAnOrder()},
		"token of a wallet":         {body: payment(`{"method": "wallet", "token": "tok_ok"}`), want: notAnOrder()},
		"card's number":             {body: payment(`{"method": "card", "token": "tok_ok", "number": "4111111111111111"}`), want: misshapen()},
		"method as a list":          {body: payment(`{"method": ["card"], "token": "tok_ok"}`), want: misshapen()},
		"points -1":                 {body: with(`"points": -1`), want: notAnOrder()},
		"points 0.5":                {body: with(`"points": 0.5`), want: misshapen()},
		"points as text":            {body: with(`"points": "1"`), want: misshapen()},
		"points above the total":    {body: with(`"points": 1011`), want: notAnOrder()},
		"points 2^63":               {body: with(`"points": 9223372036854775808`), want: misshapen()},
		"cancel of no order":        cancel("1", notFound()),
		"cancel of what is no id":   cancel("abc", notFound()),
		"cancel with SQL":           cancel("1%27%20OR%201=1--", notFound()),
		"cancel with a large id":    cancel("99999999999999999999", notFound()),
		"cancel of nobody's":        {method: "POST", path: "/v1/orders/1/cancel", body: "{}", anonymous: true, want: refusal{http.StatusUnauthorized, "unauthenticated"}},
		"webhook not signed":        hook("{}", nil, unsigned),
		"webhook signed with words": hook("{}", map[string]string{"Souk-Signature": "t=now,v1=good"}, unsigned),
		"webhook signed by nobody":  hook("{}", map[string]string{"Souk-Signature": "t=1800000000,v1=" + strings.Repeat("0", 64)}, unsigned),
		"webhook of 64 KiB + 1":     hook(`"`+strings.Repeat("x", 64<<10)+`"`, nil, refusal{http.StatusRequestEntityTooLarge, "body_too_large"}),
	}
}

func badUsers() map[string]bad {
	signup := func(body, code string) bad {
		return bad{method: "POST", path: "/v1/users", body: body, anonymous: true, want: refusal{http.StatusUnprocessableEntity, code}}
	}
	login := func(body string) bad {
		return bad{method: "POST", path: "/v1/sessions", body: body, anonymous: true, want: refusal{http.StatusUnauthorized, "invalid_credentials"}}
	}
	token := func(token string) bad {
		return bad{method: "GET", path: "/v1/me", header: map[string]string{"Authorization": "Bearer " + token}, anonymous: true, want: refusal{http.StatusUnauthorized, "invalid_token"}}
	}
	return map[string]bad{
		"role at signup":       signup(`{"email": "x@example.com", "password": "correct horse battery", "name": "X", "role": "admin"}`, "invalid_body"),
		"no e-mail":            signup(`{"password": "correct horse battery", "name": "X"}`, "invalid_email"),
		"e-mail that is none":  signup(`{"email": "x", "password": "correct horse battery", "name": "X"}`, "invalid_email"),
		"e-mail with a break":  signup(`{"email": "x@example.com\nBcc: y@example.com", "password": "correct horse battery", "name": "X"}`, "invalid_email"),
		"weak password":        signup(`{"email": "weak@example.com", "password": "1", "name": "X"}`, "weak_password"),
		"name as a number":     signup(`{"email": "x@example.com", "password": "correct horse battery", "name": 1}`, "invalid_body"),
		"password of 60 KB":    signup(`{"email": "x@example.com", "password": "`+strings.Repeat("p", 60<<10)+`", "name": "X"}`, "weak_password"),
		"log in with SQL":      login(`{"email": "' OR 1=1--", "password": "x"}`),
		"wrong password":       login(`{"email": "demo@souk.example", "password": "wrong"}`),
		"unknown user":         login(`{"email": "nobody@souk.example", "password": "wrong"}`),
		"alg none":             token(unsigned(`{"alg":"none","typ":"JWT"}`)),
		"HS256":                token(unsigned(`{"alg":"HS256","typ":"JWT"}`)),
		"kid with a path":      token(unsigned(`{"alg":"EdDSA","kid":"../../keys/jwt.public","typ":"JWT"}`)),
		"jku":                  token(unsigned(`{"alg":"EdDSA","jku":"http://127.0.0.1/jwks","typ":"JWT"}`)),
		"not a token":          token("x"),
		"dots":                 token(strings.Repeat(".", 7_000)),
		"administrator's work": {method: "POST", path: "/v1/admin/stock/SKU-0001/adjustments", body: `{"delta": 1, "reason": "x"}`, want: refusal{http.StatusForbidden, "forbidden"}},
	}
}

func TestBadInputIsRefused(t *testing.T) {
	c := newcomer(t, shared)
	before := stock(t, shared, "SKU-0001")
	for part, table := range map[string]map[string]bad{"JSON": badJSON(), "orders": badOrders(), "money": badMoney(), "users": badUsers()} {
		for name, b := range table {
			t.Run(part+"/"+name, func(t *testing.T) { b.mustBeRefused(t, c) })
		}
	}
	if placed := orders(t, c); len(placed) != 0 {
		t.Errorf("bad input placed %d orders", len(placed))
	}
	if after := stock(t, shared, "SKU-0001"); after.Adjusted != before.Adjusted {
		t.Errorf("bad input changed the stock from %+v to %+v", before, after)
	}
	c.get(t, "/livez").expect(t, http.StatusOK)
}

func (b bad) mustBeRefused(t *testing.T, c *customer) {
	t.Helper()
	r := b.send(t, c)
	if got := (refusal{r.status, r.code()}); got != b.want {
		t.Errorf("got %v, want %v: %s", got, b.want, r.body)
	}
	if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, "application/problem+json") {
		t.Errorf("content type %q", got)
	}
	for _, internal := range []string{"SELECT", "sqlite", "UNIQUE", "goroutine", ".go:", "/work", "panic", "runtime"} {
		if bytes.Contains(r.body, []byte(internal)) {
			t.Errorf("the reply lets out %q: %s", internal, r.body)
		}
	}
}

func (b bad) send(t *testing.T, c *customer) reply {
	t.Helper()
	if b.path == "" {
		b.method, b.path = http.MethodPost, "/v1/orders"
	}
	if b.key == "" {
		b.key = rand.Text()
	}
	if b.contentType == "" {
		b.contentType = jsonType
	}
	who := *c
	if b.anonymous {
		who.token = ""
	}
	req, err := http.NewRequest(b.method, c.souk.url(b.path), strings.NewReader(b.body))
	if err != nil {
		t.Fatal(err)
	}
	return who.sendRaw(t, req, b)
}

func (c *customer) sendRaw(t *testing.T, req *http.Request, b bad) reply {
	t.Helper()
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Content-Type", b.contentType)
	if b.key != "-" {
		req.Header.Set("Idempotency-Key", b.key)
	}
	for k, v := range b.header {
		req.Header.Set(k, v)
	}
	r, err := do(req)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func manyLines(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf(`{"sku": "SKU-%04d", "quantity": 1}`, i+1)
	}
	return strings.Join(all, ",")
}

// bomb is 10 MB of spaces, compressed.
func bomb() string {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(bytes.Repeat([]byte(" "), 10<<20))
	_ = w.Close()
	return buf.String()
}

// unsigned is a token with the given header, an administrator's claims and a
// signature of zeroes.
func unsigned(header string) string {
	claims, _ := json.Marshal(map[string]any{"sub": "1", "role": "admin", "iss": "souk", "aud": "souk", "exp": 4102444800})
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString(claims) + "." + enc.EncodeToString(make([]byte, 64))
}
