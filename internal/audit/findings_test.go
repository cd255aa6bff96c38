package audit_test

import (
	"testing"

	"souk.example/internal/audit"
)

func TestWhichOrderAViolationIsAbout(t *testing.T) {
	for subject, want := range map[string]int64{
		"order 7": 7, "refund 7:late": 7, "refund return-7": 0, "order 0": 0, "order -1": 0, "order x": 0,
		"pack 1000001": 0, "id 17": 0, "points of user 3": 0, "SKU-0007": 0, "all": 0, "": 0,
	} {
		id, ok := audit.Violation{Subject: subject}.Order()
		if ok != (want != 0) || ok && id != want {
			t.Errorf("%q: %d, %v", subject, id, ok)
		}
	}
}
