package plan_test

import (
	"fmt"

	"souk.example/cmd/souk/internal/plan"
)

func Example() {
	p, err := plan.Make(round(), plan.Target{Orders: 2_000, Products: 1_000, Headroom: 0.5, CoresPerNode: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d nodes, %d partitions; %s gives way first\n", p.Nodes.Total, p.Partitions, p.Limits[0].What)
	// Output: 6 nodes, 4 partitions; one hot SKU's stock row gives way first
}
