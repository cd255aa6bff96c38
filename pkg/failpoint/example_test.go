package failpoint_test

import (
	"fmt"

	"souk.example/pkg/failpoint"
)

// A process that dies between two steps must find its way when it is back.
func ExampleHit() {
	fmt.Println("the order is committed")
	failpoint.Hit("intake-after-commit")
	fmt.Println("the client is told")
	// Output:
	// the order is committed
	// the client is told
}
