package edge

import (
	"net/http/httptest"
	"testing"
)

// A part is asked for on a goroutine of its own, where a panic would end the
// process and every other request with it.
func TestAPanicIsAMissingPart(t *testing.T) {
	broken := source{name: "wallet", path: "/v1/wallet"} // has no upstream
	if p := broken.ask(t.Context(), httptest.NewRequestWithContext(t.Context(), "GET", dashboardPath, nil)); p.err == nil || p.body != nil {
		t.Errorf("got %+v", p)
	}
}
