package vitals_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"souk.example/cmd/souk/internal/bench/vitals"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service tells what a service does after n thousand orders.
func service(n *int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `# TYPE go_memstats_alloc_bytes_total counter
go_memstats_alloc_bytes_total %[1]de+09
# TYPE go_memstats_mallocs_total counter
go_memstats_mallocs_total %[1]d00
# TYPE souk_inbox_batch_events histogram
souk_inbox_batch_events_bucket{group="order",le="1"} 0
souk_inbox_batch_events_bucket{group="order",le="+Inf"} %[1]d
souk_inbox_batch_events_sum{group="order"} %[1]d00
souk_inbox_batch_events_count{group="order"} %[1]d
souk_inbox_batch_events_bucket{group="order-prices",le="+Inf"} 1
souk_inbox_batch_events_sum{group="order-prices"} 1001
souk_inbox_batch_events_count{group="order-prices"} 1
# TYPE souk_inbox_lag_records gauge
souk_inbox_lag_records{group="order",partition="0",topic="a"} %[1]d
souk_inbox_lag_records{group="order",partition="1",topic="a"} 1
# TYPE souk_outbox_events_published_total counter
souk_outbox_events_published_total{topic="a"} %[1]d00
# TYPE souk_outbox_packs_published_total counter
souk_outbox_packs_published_total{topic="a"} %[1]d0
# TYPE souk_outbox_pending_age_seconds gauge
souk_outbox_pending_age_seconds 0.0%[1]d
`, *n)
	})
}

func start(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		s.Close()
	})
	return s.URL
}

func read(t *testing.T, listeners []vitals.Listener) vitals.Reading {
	t.Helper()
	r, err := vitals.Read(t.Context(), listeners)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhatHappenedBetweenTwoReadings(t *testing.T) {
	n := 2
	url := start(t, service(&n))
	listeners := []vitals.Listener{{Service: "order-1", Process: "souk", URL: url}, {Service: "order-2", Process: "souk", URL: url}}
	before := read(t, listeners)
	n = 5
	got := read(t, listeners).Since(before)
	want := vitals.Account{
		Allocated: map[string]vitals.Allocated{"souk": {Bytes: 3e9, Objects: 300}}, // once: it is one process
		Inbox:     map[string]float64{"order": 100},                                // not what came before
		Packs:     map[string]float64{"a": 10},
		Lag:       map[string]float64{"order": 12},
		OutboxAge: map[string]float64{"order-1": 0.05, "order-2": 0.05},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestWhatNobodyTellsIsAbsent(t *testing.T) {
	url := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	listeners := []vitals.Listener{{Service: "gateway-1", Process: "gateway-1", URL: url}}
	a := read(t, listeners).Since(read(t, listeners))
	if len(a.Allocated)+len(a.Inbox)+len(a.Packs)+len(a.Lag)+len(a.OutboxAge) != 0 {
		t.Errorf("%+v", a)
	}
}

func TestReadSaysWhoDoesNotAnswer(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, url := range map[string]string{"refuses": gone.URL, "knows no metrics": start(t, http.NotFoundHandler())} {
		t.Run(name, func(t *testing.T) {
			_, err := vitals.Read(t.Context(), []vitals.Listener{{Service: "points-1", URL: url}})
			if err == nil || !strings.Contains(err.Error(), "points-1") {
				t.Errorf("error %v", err)
			}
		})
	}
}
