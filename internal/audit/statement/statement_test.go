package statement_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"souk.example/internal/audit/statement"
)

const key = "merchant-key"

// provider lists so many charges and refunds, at most ten to a page.
func provider(t testing.TB, n int) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		after, _ := strconv.Atoi(r.FormValue("after"))
		var items []map[string]any
		for id := after + 1; id <= min(n, after+10); id++ {
			if ref := r.FormValue("reference"); ref == "" || ref == fmt.Sprint(id) {
				items = append(items, map[string]any{"id": fmt.Sprint(id), "reference": fmt.Sprint(id), "amount": 7, "currency": "CNY", "status": "succeeded"})
			}
		}
		next := any(fmt.Sprint(after + 10))
		if after+10 >= n || r.FormValue("reference") != "" {
			next = nil
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "next_after": next})
	}))
	t.Cleanup(s.Close)
	return s
}

func ExampleReader_Charges() {
	r := statement.NewReader("http://127.0.0.1:8090", "the merchant's key")
	var sum int64
	err := r.Charges(context.Background(), func(c statement.Charge) error {
		if c.Status == statement.Succeeded {
			sum += c.Amount
		}
		return nil
	})
	fmt.Println(sum, err == nil)
}

func TestEveryPageIsVisitedInOrder(t *testing.T) {
	for _, n := range []int{0, 1, 10, 11, 35} {
		r := statement.NewReader(provider(t, n).URL, key)
		charges, refunds := 0, 0
		err := r.Charges(t.Context(), func(c statement.Charge) error {
			if charges++; c.ID != fmt.Sprint(charges) || c.Amount != 7 {
				t.Errorf("charge %d is %+v", charges, c)
			}
			return nil
		})
		err = errors.Join(err, r.Refunds(t.Context(), func(statement.Refund) error { refunds++; return nil }))
		if err != nil || charges != n || refunds != n {
			t.Errorf("%v: %d charges and %d refunds of %d", err, charges, refunds, n)
		}
	}
}

func TestOneOrdersCharges(t *testing.T) {
	got, err := statement.NewReader(provider(t, 5).URL, key).ChargesOf(t.Context(), "3")
	if err != nil || len(got) != 1 || got[0].ID != "3" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsNoAnswerIsAnError(t *testing.T) {
	good := provider(t, 35)
	stuck := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"items":[],"next_after":"1"}`))
	}))
	defer stuck.Close()
	noise := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	defer noise.Close()
	for name, r := range map[string]*statement.Reader{
		"another key":            statement.NewReader(good.URL, "x"),
		"nobody there":           statement.NewReader("http://127.0.0.1:1", key),
		"a list without an end":  statement.NewReader(stuck.URL, key),
		"something else answers": statement.NewReader(noise.URL, key),
	} {
		if err := r.Charges(t.Context(), func(statement.Charge) error { return nil }); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	stop := errors.New("stop")
	if err := statement.NewReader(good.URL, key).Refunds(t.Context(), func(statement.Refund) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
}
