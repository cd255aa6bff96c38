package httpapi_test

import (
	"context"
	"strconv"
	"testing"

	"souk.example/services/order/internal/order"
)

func TestReturn(t *testing.T) {
	s := newServer(t)
	id := s.do(1, "POST", "/v1/orders", "k", tea).body["id"].(string)
	path, body := "/v1/orders/"+id+"/return", `{"reason":"it does not fit"}`
	if r := s.do(1, "POST", path, "r", body); r.code != 409 || r.body["code"] != "order_not_returnable" {
		t.Errorf("a pending order: %d %v", r.code, r.body)
	}
	n, err := strconv.ParseInt(id, 10, 64)
	must(t, err)
	must(t, s.store.InUnit(t.Context(), func(ctx context.Context, u order.Unit) error {
		return order.NewLearner(order.Policy{}, new(order.Pacer)).Learn(ctx, u, []order.Report{{Order: order.ID(n), Fact: order.PointsAwarded}})
	}))
	for name, c := range map[string]struct {
		user            int64
		path, key, body string
		code            int
		want            string
	}{
		"another's":     {2, path, "r", body, 404, "order_not_found"},
		"a word":        {1, "/v1/orders/x/return", "r", body, 404, "order_not_found"},
		"no key":        {1, path, "", body, 400, "idempotency_key_required"},
		"no reason":     {1, path, "r", `{"reason":""}`, 422, "invalid_return"},
		"ANSI":          {1, path, "r", `{"reason":"\u001b[2J"}`, 422, "invalid_return"},
		"another field": {1, path, "r", `{"reason":"x","order_id":"1"}`, 422, "invalid_body"},
	} {
		if r := s.do(c.user, "POST", c.path, c.key, c.body); r.code != c.code && r.code != 400 || r.body["code"] != c.want {
			t.Errorf("%s: %d %v", name, r.code, r.body)
		}
	}
	for replayed, times := "", 0; times < 2; times++ {
		r := s.do(1, "POST", path, "r", body)
		if r.code != 202 || mustJSON(r.body) != `{"id":"`+id+`","order_id":"`+id+`","status":"RETURNING"}` || r.header.Get("Idempotent-Replayed") != replayed {
			t.Errorf("returned %d %v", r.code, r.body)
		}
		replayed = "true"
	}
	other := s.do(1, "POST", "/v1/orders", "l", tea).body["id"].(string)
	for name, c := range map[string]struct{ path, key, body, want string }{
		"another body":  {path, "r", `{"reason":"it is ugly"}`, "idempotency_key_reused"},
		"another order": {"/v1/orders/" + other + "/return", "r", body, "idempotency_key_reused"},
		"another key":   {path, "s", body, "order_not_returnable"},
	} {
		if r := s.do(1, "POST", c.path, c.key, c.body); r.body["code"] != c.want {
			t.Errorf("%s: %d %v", name, r.code, r.body)
		}
	}
	if r := s.do(1, "GET", "/v1/orders?status=RETURNING", "", ""); len(r.body["items"].([]any)) != 1 {
		t.Errorf("listed %v", r.body)
	}
	if r := s.do(1, "POST", "/v1/orders", "k", tea); r.body["status"] != "PENDING" || len(r.body["timeline"].([]any)) != 1 {
		t.Errorf("the placement replays as %v", r.body)
	}
}
