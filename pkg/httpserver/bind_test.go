package httpserver_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/money"
	"souk.example/pkg/telemetry"
)

type orderRequest struct {
	Items []struct {
		SKU      string `json:"sku"`
		Quantity int64  `json:"quantity"`
	} `json:"items"`
	Payment struct {
		Method string  `json:"method"`
		Token  *string `json:"token"`
	} `json:"payment"`
	UserID int8          `json:"user_id"`
	Gift   bool          `json:"gift"`
	Budget *money.Amount `json:"budget"`
}

const goodOrder = `{"items":[{"sku":"SKU-0001","quantity":2},{"sku":"SKU-0002","quantity":1}],` +
	`"payment":{"method":"wallet","token":null},"user_id":-7,"gift":true,"budget":{"amount":12990,"currency":"CNY"}}`

// bindServer echoes what Bind made of the body.
func bindServer() http.Handler {
	r := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
	r.POST("/orders", func(c *gin.Context) {
		body, err := httpserver.Bind[orderRequest](c)
		if err != nil {
			httpserver.Fail(c, err)
			return
		}
		c.JSON(http.StatusOK, body)
	})
	return r
}

type problem struct {
	Type, Title, Detail, Code string
	Status                    int
	RequestID                 string `json:"request_id"`
	Errors                    []struct{ Field, Code, Detail string }
}

func (p problem) fields() string {
	var all []string
	for _, e := range p.Errors {
		all = append(all, e.Field+" "+e.Code)
	}
	return strings.Join(all, ", ")
}

// problemOf reads a problem and checks what holds for every one.
func problemOf(t *testing.T, status int, header http.Header, body []byte) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("status %d, body %q: %v", status, body, err)
	}
	if header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("Content-Type %q", header.Get("Content-Type"))
	}
	if p.Status != status || p.Title == "" || p.Code == "" || p.Detail == "" || p.Type == "" {
		t.Errorf("incomplete problem: %s", body)
	}
	return p
}

func post(t *testing.T, h http.Handler, path, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBindAccepts(t *testing.T) {
	h := bindServer()
	for _, body := range []string{
		goodOrder,
		"\n\t {} \r\n",
		`{"items":[]}`,
		`{"payment":{"method":"\ud83d\ude00 caf\u00e9 \\ \" \/"}}`,
		`{"p\u0061yment":{}}`,
		`{"user_id":127}`,
		`{"budget":null}`,
		`{"items":[{"sku":"a","quantity":9223372036854775807},{"sku":"b","quantity":-9223372036854775808}]}`,
	} {
		if w := post(t, h, "/orders", "application/json; charset=UTF-8", body); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestBindKeepsValues(t *testing.T) {
	w := post(t, bindServer(), "/orders", "application/json", goodOrder)
	var got, want any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(goodOrder), &want)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The JSON part of the bad-input corpus.
func TestBindRefuses(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		want       string // code, or field errors
	}{
		{"empty", "", 400, "malformed_json"},
		{"white space", " \n", 400, "malformed_json"},
		{"null", "null", 400, "malformed_json"},
		{"array", "[]", 400, "malformed_json"},
		{"string", `"x"`, 400, "malformed_json"},
		{"truncated object", `{"items":[{"sku":"a"`, 400, "malformed_json"},
		{"truncated string", `{"items":[{"sku":"a`, 400, "malformed_json"},
		{"truncated escape", `{"gift\`, 400, "malformed_json"},
		{"truncated literal", `{"gift":tru`, 400, "malformed_json"},
		{"truncated number", `{"user_id":-`, 400, "malformed_json"},
		{"trailing garbage", `{}x`, 400, "malformed_json"},
		{"second document", `{}{}`, 400, "malformed_json"},
		{"trailing comma", `{"gift":true,}`, 400, "malformed_json"},
		{"trailing comma in array", `{"items":[{},]}`, 400, "malformed_json"},
		{"comment", `{/**/}`, 400, "malformed_json"},
		{"single quotes", `{'gift':true}`, 400, "malformed_json"},
		{"leading zero", `{"user_id":07}`, 400, "malformed_json"},
		{"plus sign", `{"user_id":+7}`, 400, "malformed_json"},
		{"NaN", `{"user_id":NaN}`, 400, "malformed_json"},
		{"bare exponent", `{"user_id":1e}`, 400, "malformed_json"},
		{"10,000 deep", `{"items":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}", 400, "malformed_json"},
		{"10,000 deep in an unknown field", `{"x":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000) + "}", 400, "malformed_json"},
		{"raw NUL", "{\"payment\":{\"method\":\"a\x00b\"}}", 400, "malformed_json"},
		{"escaped NUL", `{"payment":{"method":"a\u0000b"}}`, 400, "malformed_json"},
		{"raw newline", "{\"payment\":{\"method\":\"a\nb\"}}", 400, "malformed_json"},
		{"invalid UTF-8", "{\"payment\":{\"method\":\"\xff\"}}", 400, "malformed_json"},
		{"UTF-16", "\xff\xfe{\x00}\x00", 400, "malformed_json"},
		{"BOM", "\xef\xbb\xbf{}", 400, "malformed_json"},
		{"lone high surrogate", `{"payment":{"method":"\ud83d"}}`, 400, "malformed_json"},
		{"lone low surrogate", `{"payment":{"method":"\ude00"}}`, 400, "malformed_json"},
		{"surrogates swapped", `{"payment":{"method":"\ude00\ud83d"}}`, 400, "malformed_json"},
		{"surrogate in a key", `{"\ud83d":1}`, 400, "malformed_json"},
		{"bad escape", `{"payment":{"method":"\x41"}}`, 400, "malformed_json"},

		{"duplicate key", `{"gift":true,"gift":false}`, 422, "gift duplicate_field"},
		{"duplicate key by escape", `{"gift":true,"gi\u0066t":false}`, 422, "gift duplicate_field"},
		{"nested duplicate", `{"items":[{},{"sku":"a","sku":"b"}]}`, 422, "items[1].sku duplicate_field"},
		{"duplicate inside money", `{"budget":{"amount":1,"amount":2,"currency":"CNY"}}`, 422, "budget.amount duplicate_field"},
		{"case variant", `{"User_ID":1}`, 422, "User_ID unknown_field"},
		{"case variant beside", `{"user_id":1,"USER_ID":2}`, 422, "USER_ID unknown_field"},
		{"unknown field", `{"status":"PAID"}`, 422, "status unknown_field"},
		{"nested unknown field", `{"items":[{"sku":"a","price":1}]}`, 422, "items[0].price unknown_field"},
		{"go name", `{"UserID":1}`, 422, "UserID unknown_field"},
		{"null value", `{"gift":null}`, 422, "gift null"},
		{"null element", `{"items":[null]}`, 422, "items[0] null"},
		{"fraction", `{"items":[{"quantity":1.5}]}`, 422, "items[0].quantity wrong_type"},
		{"exponent", `{"items":[{"quantity":1e3}]}`, 422, "items[0].quantity wrong_type"},
		{"one point nothing", `{"items":[{"quantity":1.0}]}`, 422, "items[0].quantity wrong_type"},
		{"number as text", `{"items":[{"quantity":"1"}]}`, 422, "items[0].quantity wrong_type"},
		{"2^63", `{"items":[{"quantity":9223372036854775808}]}`, 422, "items[0].quantity out_of_range"},
		{"int8", `{"user_id":128}`, 422, "user_id out_of_range"},
		{"text as number", `{"items":[{"sku":1}]}`, 422, "items[0].sku wrong_type"},
		{"object as array", `{"items":{}}`, 422, "items wrong_type"},
		{"array as object", `{"payment":[]}`, 422, "payment wrong_type"},
		{"number as boolean", `{"gift":1}`, 422, "gift wrong_type"},
		{"boolean as object", `{"payment":true}`, 422, "payment wrong_type"},
		{"bad money", `{"budget":{"amount":1,"currency":"usd"}}`, 422, "budget invalid"},
		{"several", `{"gift":1,"user_id":"x","x":{}}`, 422, "gift wrong_type, user_id wrong_type, x unknown_field"},
	}
	h := bindServer()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := post(t, h, "/orders", "application/json", tt.body)
			p := problemOf(t, w.Code, w.Header(), w.Body.Bytes())
			if w.Code != tt.status || p.Code != tt.want && p.fields() != tt.want {
				t.Errorf("got %d %s [%s], want %d %s", w.Code, p.Code, p.fields(), tt.status, tt.want)
			}
		})
	}
}

func TestBindReportsABoundedNumberOfFields(t *testing.T) {
	var body strings.Builder
	for i := range 5_000 {
		fmt.Fprintf(&body, `,"%d":1`, i)
	}
	w := post(t, bindServer(), "/orders", "application/json", "{"+body.String()[1:]+"}")
	if p := problemOf(t, w.Code, w.Header(), w.Body.Bytes()); len(p.Errors) != 20 {
		t.Errorf("%d field errors", len(p.Errors))
	}
}

func TestBindMediaTypes(t *testing.T) {
	h := bindServer()
	for _, bad := range []string{"", "text/plain", "application/jsonx", "application/json; charset=latin1", "application/x-www-form-urlencoded", "application/problem+json", ";"} {
		if w := post(t, h, "/orders", bad, goodOrder); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %d", bad, w.Code)
		}
	}
}

func TestBindRefusesCompression(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 10<<20))
	_ = z.Close()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/orders", &bomb)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	bindServer().ServeHTTP(w, r)
	if p := problemOf(t, w.Code, w.Header(), w.Body.Bytes()); w.Code != http.StatusUnsupportedMediaType || p.Code != "unsupported_encoding" {
		t.Errorf("got %d %s", w.Code, p.Code)
	}
}

// Whatever Bind lets pass, encoding/json must accept; and nothing may panic.
func FuzzBind(f *testing.F) {
	for _, seed := range []string{goodOrder, `{"items":[{"sku":"\ud83d\ude00"}]}`, `{"user_id":-0,"x":[[]]}`} {
		f.Add([]byte(seed))
	}
	h := bindServer()
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/orders", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 || strings.Contains(w.Body.String(), "not acceptable") {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
		if w.Code == http.StatusOK && !json.Valid(body) {
			t.Errorf("accepted what is not JSON: %q", body)
		}
	})
}

func BenchmarkBind(b *testing.B) {
	const body = `{"items":[{"sku":"SKU-0001","quantity":2},{"sku":"SKU-0002","quantity":1},{"sku":"SKU-0003","quantity":5}],"payment":{"method":"wallet"}}`
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	header := http.Header{"Content-Type": {"application/json"}}
	b.ReportAllocs()
	for b.Loop() {
		c.Request = &http.Request{Header: header, Body: nopCloser{strings.NewReader(body)}, ContentLength: int64(len(body))}
		if _, err := httpserver.Bind[orderRequest](c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeOnly is what encoding/json alone costs on the same body.
func BenchmarkDecodeOnly(b *testing.B) {
	const body = `{"items":[{"sku":"SKU-0001","quantity":2},{"sku":"SKU-0002","quantity":1},{"sku":"SKU-0003","quantity":5}],"payment":{"method":"wallet"}}`
	b.ReportAllocs()
	for b.Loop() {
		var v orderRequest
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			b.Fatal(err)
		}
	}
}

type nopCloser struct{ *strings.Reader }

func (nopCloser) Close() error { return nil }
