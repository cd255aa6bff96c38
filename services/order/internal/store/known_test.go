package store

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"souk.example/pkg/money"
	"souk.example/services/order/internal/order"
)

func TestKnownPricesGrowOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k known
		tea := []order.SKU{"TEA"}
		price := map[order.SKU]money.Amount{"TEA": money.Of(500, "CNY")}
		if found, missing := k.find(1, tea); len(found) != 0 || !slices.Equal(missing, tea) {
			t.Errorf("at first it knows %v and misses %v", found, missing)
		}
		k.keep(1, price)
		k.keep(2, map[order.SKU]money.Amount{"TEA": money.Of(1, "CNY")}) // whoever read this looked at another revision
		time.Sleep(knownFor)
		if found, missing := k.find(1, tea); !maps.Equal(found, price) || missing != nil {
			t.Errorf("a known price reads %v, missing %v", found, missing)
		}
		time.Sleep(time.Nanosecond)
		if found, _ := k.find(1, tea); len(found) != 0 {
			t.Errorf("after %s it still knows %v", knownFor, found)
		}
	})
}
