package catalogue_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"souk.example/pkg/money"
	"souk.example/services/order/internal/catalogue"
	"souk.example/services/order/internal/order"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const twoPages = `{"items":[{"sku":"A","version":1,"price":{"amount":100,"currency":"CNY"}}],"next_cursor":"a b"}
{"items":[{"sku":"B","version":7,"price":{"amount":250,"currency":"CNY"}}],"next_cursor":null}`

func TestEveryPageIsReadOverAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	pages[""], pages["a b"], _ = strings.Cut(twoPages, "\n")
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, pages[r.URL.Query().Get("cursor")])
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	got, err := catalogue.New(server.URL).Prices(t.Context())
	want := []order.Price{
		{SKU: "A", Version: 1, Amount: money.Of(100, "CNY")},
		{SKU: "B", Version: 7, Amount: money.Of(250, "CNY")},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("prices %+v, %v", got, err)
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("%d connections for 2 pages", n)
	}
}

func TestAnAnswerThatIsNoPageIsAnError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if got, err := catalogue.New(server.URL).Prices(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("prices %+v, %v", got, err)
	}
}
