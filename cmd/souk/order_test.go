package main

import (
	"strings"
	"testing"
	"time"

	"souk.example/cmd/souk/internal/ordertrace"
)

// A row stands in a trace where it was made: its status is of later. The owner's
// words cannot make it look like two.
func TestATracedRowTellsThatItsStatusIsOfNow(t *testing.T) {
	var b strings.Builder
	a := &app{stdout: &b}
	a.printTrace([]ordertrace.Entry{{Service: "order", Kind: "orders", Row: map[string]any{"status": "COMPLETED", "total": int64(5), "reason": "a\nb", "paid_at": time.UnixMicro(5e6).UTC()}}})
	if want := `order      orders        now COMPLETED paid_at=1970-01-01T00:00:05.000000Z reason=a\u000ab total=5` + "\n"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("%q, want %q at its end", b.String(), want)
	}
}
