package roundtrip_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"souk.example/pkg/registry"
	"souk.example/pkg/registry/roundtrip"
)

// However often an instance is asked for its health, it is over one connection.
func TestChecksKeepTheirConnection(t *testing.T) {
	var connections atomic.Int32
	asked := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"status":"ready"}`)
		select {
		case asked <- struct{}{}:
		case <-r.Context().Done():
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	tr, err := roundtrip.New(base, static(t, registry.Instance{ID: "a", URL: server.URL}),
		roundtrip.Config{CheckEvery: time.Millisecond, CheckTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tr.Run(ctx) }()
	for range 5 {
		<-asked
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("5 checks took %d connections", n)
	}
}
