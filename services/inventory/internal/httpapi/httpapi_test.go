package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestProductPageAndItsTag(t *testing.T) {
	s := newService(t)
	s.add(t, "TEA-1")
	first := s.do(t, get("/v1/products/TEA-1"))
	body, etag := decode(t, first), first.Header().Get("ETag")
	if first.Code != http.StatusOK || body["sku"] != "TEA-1" || body["available"] != 7.0 || body["version"] != 1.0 || etag == "" {
		t.Fatalf("%d %v, tag %s", first.Code, body, etag)
	}
	for _, tags := range []string{etag, `"other", W/` + etag, "*"} {
		again := get("/v1/products/TEA-1")
		again.header = map[string]string{"If-None-Match": tags}
		if w := s.do(t, again); w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("ETag") != etag {
			t.Errorf("If-None-Match %s: %d %q", tags, w.Code, w.Body)
		}
	}
	other := get("/v1/products/TEA-1")
	other.header = map[string]string{"If-None-Match": `"other"`}
	if w := s.do(t, other); w.Code != http.StatusOK {
		t.Errorf("another tag: %d", w.Code)
	}
}

func TestAChangeShowsAtOnce(t *testing.T) {
	s := newService(t)
	if w := s.do(t, get("/v1/products/TEA-1")); w.Code != http.StatusNotFound { // and now cached as absent
		t.Fatalf("before it is added: %d", w.Code)
	}
	s.add(t, "TEA-1")
	tag := s.do(t, get("/v1/products/TEA-1")).Header().Get("ETag")
	w := s.do(t, admin(http.MethodPatch, "/v1/admin/products/TEA-1", `{"name":"Kettle","price":{"amount":5,"currency":"CNY"}}`))
	if body := decode(t, w); w.Code != http.StatusOK || body["version"] != 2.0 || body["description"] != "Holds tea" {
		t.Fatalf("patch: %d %v", w.Code, body)
	}
	page := s.do(t, get("/v1/products/TEA-1"))
	if body := decode(t, page); body["name"] != "Kettle" || page.Header().Get("ETag") == tag {
		t.Errorf("after the patch: %v", body)
	}
	if w := s.do(t, admin(http.MethodPost, "/v1/admin/stock/TEA-1/adjustments", `{"delta":-2,"reason":"broken"}`)); w.Code != http.StatusCreated {
		t.Fatalf("adjust: %d %s", w.Code, w.Body)
	}
	if body := decode(t, s.do(t, get("/v1/products/TEA-1"))); body["available"] != 5.0 {
		t.Errorf("after the adjustment: %v", body)
	}
}

func TestWithdrawnProductsAreNotShown(t *testing.T) {
	s := newService(t)
	s.add(t, "TEA-1", "TEA-2")
	w := s.do(t, admin(http.MethodPatch, "/v1/admin/products/TEA-1", `{"withdrawn":true}`))
	if body := decode(t, w); w.Code != http.StatusOK || body["withdrawn"] != true {
		t.Fatalf("withdraw: %d %v", w.Code, body)
	}
	if w := s.do(t, get("/v1/products/TEA-1")); w.Code != http.StatusNotFound || decode(t, w)["code"] != "product_not_found" {
		t.Errorf("page: %d %s", w.Code, w.Body)
	}
	if items := decode(t, s.do(t, get("/v1/products")))["items"].([]any); len(items) != 1 {
		t.Errorf("list: %v", items)
	}
	if w := s.do(t, admin(http.MethodGet, "/v1/admin/stock/TEA-1", "")); w.Code != http.StatusOK {
		t.Errorf("its stock: %d", w.Code)
	}
}

func TestListPages(t *testing.T) {
	s := newService(t)
	s.add(t, "A", "B", "C")
	first := decode(t, s.do(t, get("/v1/products?limit=2&query=teapot")))
	cursor, _ := first["next_cursor"].(string)
	if len(first["items"].([]any)) != 2 || cursor == "" {
		t.Fatalf("first page: %v", first)
	}
	last := decode(t, s.do(t, get("/v1/products?limit=2&query=teapot&cursor="+cursor)))
	if items := last["items"].([]any); len(items) != 1 || items[0].(map[string]any)["sku"] != "C" || last["next_cursor"] != nil {
		t.Errorf("last page: %v", last)
	}
	if body := s.do(t, get("/v1/products?query=nothing")).Body.String(); body != `{"items":[],"next_cursor":null}` {
		t.Errorf("empty list: %s", body)
	}
	for _, query := range []string{
		"limit=0", "limit=101", "limit=1e9", "limit=-1", "cursor=zzz", "cursor=" + cursor[1:], "cursor=" + cursor, // of another query
		"query=teapot&cursor=A" + cursor, "query=" + strings.Repeat("x", 101), "query=%00", "query=%ff", "query=%0a",
	} {
		if w := s.do(t, get("/v1/products?"+query)); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
}

func TestAdjustmentIsReplayedAsItWas(t *testing.T) {
	s := newService(t)
	s.add(t, "TEA-1")
	adjust := func(key, body string) *httptest.ResponseRecorder {
		c := admin(http.MethodPost, "/v1/admin/stock/TEA-1/adjustments", body)
		c.key = key
		return s.do(t, c)
	}
	first := adjust("k", `{"delta":3,"reason":"found"}`)
	if want := `{"sku":"TEA-1","available":10,"reserved":0,"sold":0,"initial":7,"adjusted":3}`; first.Code != http.StatusCreated || first.Body.String() != want {
		t.Fatalf("%d %s", first.Code, first.Body)
	}
	adjust("other", `{"delta":-1,"reason":"lost"}`)
	again := adjust("k", `{"reason":"found","delta":3}`)
	if again.Code != http.StatusCreated || again.Body.String() != first.Body.String() || again.Header().Get("Idempotent-Replayed") != "true" {
		t.Errorf("replay: %d %s %v", again.Code, again.Body, again.Header())
	}
	if w := adjust("k", `{"delta":4,"reason":"found"}`); w.Code != http.StatusUnprocessableEntity || decode(t, w)["code"] != "idempotency_key_reused" {
		t.Errorf("another body: %d %s", w.Code, w.Body)
	}
	if w := adjust("below", `{"delta":-10,"reason":"lost"}`); w.Code != http.StatusConflict || decode(t, w)["code"] != "below_reserved" {
		t.Errorf("below: %d %s", w.Code, w.Body)
	}
}

func TestOnlyAdminsManage(t *testing.T) {
	s := newService(t)
	s.add(t, "TEA-1")
	for _, c := range []call{
		admin(http.MethodPost, "/v1/admin/products", `{}`), admin(http.MethodPatch, "/v1/admin/products/TEA-1", `{}`),
		admin(http.MethodGet, "/v1/admin/stock/TEA-1", ""), admin(http.MethodPost, "/v1/admin/stock/TEA-1/adjustments", `{}`),
	} {
		for role, want := range map[string]int{"": http.StatusUnauthorized, "user": http.StatusForbidden} {
			c.role = role
			if w := s.do(t, c); w.Code != want {
				t.Errorf("%s %s as %q: %d", c.method, c.path, role, w.Code)
			}
		}
	}
}

func TestBadInputChangesNothing(t *testing.T) {
	const products, patch, adjust = "/v1/admin/products", "/v1/admin/products/TEA-1", "/v1/admin/stock/TEA-1/adjustments"
	s := newService(t)
	s.add(t, "TEA-1")
	good := `"sku":"NEW","name":"N","price":{"amount":1,"currency":"CNY"}`
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodPost, products, `{`, 400},
		{http.MethodPost, products, `null`, 400},
		{http.MethodPost, products, `[]`, 400},
		{http.MethodPost, products, `{` + good + `} x`, 400},
		{http.MethodPost, products, `{}`, 422},
		{http.MethodPost, products, `{` + good + `,"price":{"amount":1,"currency":"CNY"}}`, 422},
		{http.MethodPost, products, `{` + good + `,"SKU":"B"}`, 422},
		{http.MethodPost, products, `{` + good + `,"version":7}`, 422},
		{http.MethodPost, products, `{` + good + `,"stock":-1}`, 422},
		{http.MethodPost, products, `{` + good + `,"stock":1.5}`, 422},
		{http.MethodPost, products, `{` + good + `,"stock":"1"}`, 422},
		{http.MethodPost, products, `{` + good + `,"stock":9223372036854775808}`, 422},
		{http.MethodPost, products, `{` + good + `,"stock":9223372036854775807}`, 422},
		{http.MethodPost, products, `{` + good + `,"image_url":"javascript:alert(1)"}`, 422},
		{http.MethodPost, products, `{"sku":"new","name":"N","price":{"amount":1,"currency":"CNY"}}`, 422},
		{http.MethodPost, products, `{"sku":"NEW","name":"N","price":{"amount":1,"currency":"usd"}}`, 422},
		{http.MethodPost, products, `{"sku":"NEW","name":"N","price":{"amount":-1,"currency":"CNY"}}`, 422},
		{http.MethodPost, products, `{"sku":"NEW","name":"N","price":{"amount":1.5,"currency":"CNY"}}`, 422},
		{http.MethodPost, products, `{"sku":"NEW","name":"` + strings.Repeat("x", 70_000) + `"}`, 413},
		{http.MethodPost, products, `{"sku":"TEA-1","name":"N","price":{"amount":1,"currency":"CNY"}}`, 409},
		{http.MethodPatch, patch, `{"name":""}`, 422},
		{http.MethodPatch, patch, `{"withdrawn":"yes"}`, 422},
		{http.MethodPatch, patch, `{"sku":"B"}`, 422},
		{http.MethodPatch, "/v1/admin/products/NONE", `{"name":"x"}`, 404},
		{http.MethodPatch, "/v1/admin/products/none", `{"name":"x"}`, 404},
		{http.MethodPost, adjust, `{"delta":0,"reason":"r"}`, 422},
		{http.MethodPost, adjust, `{"delta":1}`, 422},
		{http.MethodPost, adjust, `{"delta":1,"reason":" "}`, 422},
		{http.MethodPost, adjust, `{"delta":1,"reason":"a\u001b[31m"}`, 422},
		{http.MethodPost, adjust, `{"delta":1,"reason":"a\nb"}`, 422},
		{http.MethodPost, adjust, `{"delta":1,"reason":"a\u202eb"}`, 422},
		{http.MethodPost, adjust, `{"delta":1e3,"reason":"r"}`, 422},
		{http.MethodPost, adjust, `{"delta":-9223372036854775808,"reason":"r"}`, 422},
		{http.MethodPost, adjust, `{"delta":9223372036854775807,"reason":"r"}`, 422},
		{http.MethodPost, adjust, `{"delta":-8,"reason":"r"}`, 409},
		{http.MethodPost, "/v1/admin/stock/NONE/adjustments", `{"delta":1,"reason":"r"}`, 404},
		{http.MethodGet, "/v1/admin/stock/NONE", "", 404},
		{http.MethodGet, "/v1/products/" + url.PathEscape(`' OR 1=1--`), "", 404},
		{http.MethodGet, "/v1/products/NONE", "", 404},
	} {
		w := s.do(t, admin(tt.method, tt.path, tt.body))
		if w.Code != tt.status || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %.60s: %d %s", tt.method, tt.path, tt.body, w.Code, w.Body)
		}
	}
	if w := s.do(t, call{method: http.MethodPost, path: adjust, role: "admin", body: `{"delta":1,"reason":"r"}`}); decode(t, w)["code"] != "idempotency_key_required" {
		t.Errorf("without a key: %d %s", w.Code, w.Body)
	}
	var count, rows, version int
	err := s.db.QueryRow(t.Context(), "SELECT (SELECT COUNT(*) FROM product), (SELECT COUNT(*) FROM stock_ledger), (SELECT SUM(version) FROM product)").
		Scan(&count, &rows, &version)
	if err != nil || count != 1 || rows != 1 || version != 1 {
		t.Errorf("%d products, %d ledger rows, version %d, %v", count, rows, version, err)
	}
}

func TestCatalogueSurvivesRedis(t *testing.T) {
	s := newService(t)
	s.add(t, "TEA-1", "TEA-2")
	if w := s.do(t, get("/v1/products/TEA-1")); w.Code != http.StatusOK {
		t.Fatal(w.Code)
	}
	s.stopRedis()
	for _, path := range []string{"/v1/products/TEA-1", "/v1/products/TEA-2", "/v1/products"} {
		if w := s.do(t, get(path)); w.Code != http.StatusOK {
			t.Errorf("%s without redis: %d", path, w.Code)
		}
	}
	s.do(t, admin(http.MethodPatch, "/v1/admin/products/TEA-1", `{"name":"Kettle"}`))
	if body := decode(t, s.do(t, get("/v1/products/TEA-1"))); body["name"] != "Kettle" {
		t.Errorf("a change without redis: %v", body)
	}
}

// A change that is meant for one version changes no other, and what is refused
// changes nothing.
func TestConditionalChanges(t *testing.T) {
	for name, tt := range map[string]struct {
		ifMatch, body string
		status        int
		code          string
	}{
		"its version":       {`"1"`, `{"name":"Kettle"}`, 200, ""},
		"one of several":    {`"7", "1"`, `{"name":"Kettle"}`, 200, ""},
		"any":               {`*`, `{"name":"Kettle"}`, 200, ""},
		"no condition":      {"", `{"name":"Kettle"}`, 200, ""},
		"nothing to change": {`"1"`, `{}`, 200, ""},
		"another version":   {`"2"`, `{"name":"Kettle"}`, 412, "other_version"},
		"a weak tag":        {`W/"1"`, `{"name":"Kettle"}`, 412, "other_version"},
		"no tag":            {`1`, `{"name":"Kettle"}`, 412, "other_version"},
		"another's tag":     {`"abc"`, `{"name":"Kettle"}`, 412, "other_version"},
		"null":              {"", `{"name":"Kettle","description":null}`, 422, "invalid_body"},
		"null price":        {"", `{"price":null}`, 422, "invalid_body"},
		"an empty body":     {"", ``, 415, "unsupported_media_type"},
		"no object":         {"", `null`, 400, "malformed_json"},
		"an unknown field":  {"", `{"name":"Kettle","available":9}`, 422, "invalid_body"},
		"a bad name":        {"", `{"description":"Boils","name":" "}`, 422, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			s.add(t, "TEA-1")
			change := admin(http.MethodPatch, "/v1/admin/products/TEA-1", tt.body)
			if tt.ifMatch != "" {
				change.header = map[string]string{"If-Match": tt.ifMatch}
			}
			w := s.do(t, change)
			if w.Code != tt.status || tt.code != "" && decode(t, w)["code"] != tt.code {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			product := decode(t, s.do(t, get("/v1/products/TEA-1")))
			if changed := product["version"] != 1.0 || product["name"] != "Teapot" || product["description"] != "Holds tea"; changed != (tt.status == 200 && tt.body != "{}") {
				t.Errorf("then the product is %v", product)
			}
		})
	}
}

func TestChangesAreTaggedByVersion(t *testing.T) {
	s := newService(t)
	added := s.do(t, admin(http.MethodPost, "/v1/admin/products", `{"sku":"TEA-1","name":"Teapot","price":{"amount":1,"currency":"CNY"}}`))
	changed := s.do(t, admin(http.MethodPatch, "/v1/admin/products/TEA-1", `{"name":"Kettle"}`))
	if added.Header().Get("ETag") != `"1"` || changed.Header().Get("ETag") != `"2"` {
		t.Errorf("tags %s and %s", added.Header().Get("ETag"), changed.Header().Get("ETag"))
	}
}

// A list that a client has already costs no bytes.
func TestListAndItsTag(t *testing.T) {
	s := newService(t)
	s.add(t, "A", "B")
	first := s.do(t, get("/v1/products?limit=1"))
	tag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || tag == "" || first.Header().Get("Cache-Control") != "no-cache" || !strings.HasPrefix(first.Header().Get("Content-Type"), "application/json") {
		t.Fatalf("%d %v", first.Code, first.Header())
	}
	again := get("/v1/products?limit=1")
	again.header = map[string]string{"If-None-Match": tag}
	if w := s.do(t, again); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("again: %d %s", w.Code, w.Body)
	}
	if other := s.do(t, get("/v1/products?limit=2")).Header().Get("ETag"); other == tag {
		t.Error("another page has the same tag")
	}
	s.do(t, admin(http.MethodPatch, "/v1/admin/products/A", `{"name":"Kettle"}`))
	if w := s.do(t, again); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Kettle") {
		t.Errorf("after a change: %d %s", w.Code, w.Body)
	}
}
