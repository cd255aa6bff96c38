package contracts_test

import (
	"slices"
	"testing"

	"souk.example/contracts"
)

func TestAHintComesAcrossAsItWas(t *testing.T) {
	told := []contracts.Moved{{UserID: 7, OrderID: 1 << 62}, {UserID: 1<<63 - 1, OrderID: 9}}
	hint := contracts.EncodeMoved(told)
	heard, err := contracts.DecodeMoved(hint)
	if err != nil || !slices.Equal(heard, told) {
		t.Errorf("%v, %v", heard, err)
	}
	if _, err := contracts.DecodeMoved(hint[:20]); err == nil {
		t.Error("half an order is taken for one")
	}
}
