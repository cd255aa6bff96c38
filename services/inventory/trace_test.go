package inventory_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

// collector takes traces until the test ends, and fails it when there was no
// span of that name. Services started after it have exported theirs by then.
func collector(t *testing.T, span string) (endpoint string) {
	t.Helper()
	var seen atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && bytes.Contains(body, []byte(span)) { // names stand in protobuf as they are
			seen.Store(true)
		}
	}))
	t.Cleanup(func() {
		server.Close()
		if !seen.Load() {
			t.Errorf("no span %q was exported", span)
		}
	})
	return server.URL
}
