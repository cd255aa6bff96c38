package outbox_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"souk.example/pkg/eventbus"
)

// Two relays, three appenders and a broker that refuses and forgets to answer:
// every event arrives, and none is pending in the end.
func TestNothingIsLost(t *testing.T) {
	const appenders, each = 3, 60
	s := newShop(t)
	s.broker.answers(func(eventbus.Record) answer {
		switch rand.N(10) {
		case 0, 1:
			return answer{lost: true, err: errBroker}
		case 2:
			return answer{err: errBroker}
		}
		return answer{}
	})
	first, second := s.run(nil), s.run(nil)
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for i := range each {
				from := []*process{first, second}[i%2]
				s.emit(from, i, fmt.Sprintf("%d/%d", a, i))
			}
		})
	}
	wg.Wait()
	first.stop()
	s.broker.answers(func(eventbus.Record) answer { return answer{} })
	s.untilDrained()
	for a := range appenders {
		for i := range each {
			if id := fmt.Sprintf("%d/%d", a, i); !s.broker.has(int32(i%partitions), id) {
				t.Errorf("event %s is lost", id)
			}
		}
	}
}
