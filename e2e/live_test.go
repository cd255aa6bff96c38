package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// told is what a stream says of an order.
type told struct {
	OrderID string `json:"order_id"`
	moment
}

// events opens a stream of server-sent events; next reads one.
func (c *customer) events(t *testing.T) (next func() told) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*soon)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.souk.url("/v1/events"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	response, err := web.Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", response.StatusCode, response.Header)
	}
	lines := bufio.NewScanner(response.Body)
	return func() (s told) {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &s); err != nil {
					t.Fatal(err)
				}
				return s
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return s
	}
}

// socket opens a WebSocket, with the token where a browser can put it.
func (c *customer) socket(t *testing.T) (next func() told) {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), c.souk.url("/v1/ws"), &websocket.DialOptions{Subprotocols: []string{"souk.v1", "bearer." + c.token}})
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		response.Body.Close()
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return func() (s told) {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		_, text, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// Both kinds of stream tell their owner, and nobody else, each step of an order as
// its timeline has it.
func TestAnOrderIsToldAsItMoves(t *testing.T) {
	customers := richCustomers(t, shared, 2)
	customers[0].methods(t, "/v1/events")
	c, other := customers[0], customers[1]
	theirs := other.events(t)
	streams := map[string]func() told{"events": c.events(t), "socket": c.socket(t)}
	good := c.settled(t, c.buy(t, "SKU-0003", 1).ID, soon)
	bad := c.settled(t, c.buy(t, product(t, shared, 1), 2).ID, soon)
	mine := other.buy(t, "SKU-0003", 1)
	for name, next := range streams {
		for _, o := range []order{good, bad} {
			for _, want := range o.Timeline {
				if got := among(next, good, bad, mine); got.OrderID != o.ID || got.moment != want {
					t.Errorf("%s: %+v, want %s %+v", name, got, o.ID, want)
				}
			}
		}
	}
	if got := among(theirs, good, bad, mine); got.OrderID != mine.ID {
		t.Errorf("another is told %+v first, bought %s", got, mine.ID)
	}
}

// among returns the next told of these orders. The customers are the other tests'
// too, and a stream begins with what has moved in the seconds before it.
func among(next func() told, orders ...order) told {
	for {
		if s := next(); slices.ContainsFunc(orders, func(o order) bool { return o.ID == s.OrderID }) {
			return s
		}
	}
}
