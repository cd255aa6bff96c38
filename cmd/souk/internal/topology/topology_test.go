package topology_test

import (
	"fmt"
	"testing"

	"souk.example/cmd/souk/internal/topology"
)

func ExampleTopology_Service() {
	t, _ := topology.New(topology.DefaultPortBase, 2)
	order, _ := t.Service("order", 2)
	fmt.Println(order.URL(), order.AdminURL())
	// Output: http://127.0.0.1:8183 http://127.0.0.1:9183
}

func TestNoTwoUsesShareAPort(t *testing.T) {
	for _, base := range []int{topology.DefaultPortBase, 1, 20_000} {
		layout, err := topology.New(base, topology.MaxReplicas)
		if err != nil {
			t.Fatal(err)
		}
		uses := map[int]string{}
		for _, p := range layout.Ports() {
			if other, taken := uses[p.Number]; taken {
				t.Errorf("base %d: port %d is for %s and for %s", base, p.Number, other, p.Use)
			}
			uses[p.Number] = p.Use
		}
	}
}
