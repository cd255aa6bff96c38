package balance_test

import (
	"fmt"

	"souk.example/pkg/registry/balance"
)

func ExampleSmoothWeighted() {
	var b balance.SmoothWeighted
	shop := []*balance.Endpoint{{ID: "a", Weight: 3}, {ID: "b", Weight: 1}}
	for range 4 {
		e := b.Pick(shop, "")
		end := e.Begin() // the request is on its way …
		end()            // … and answered
		fmt.Print(e.ID)
	}
	// Output: aaba
}
