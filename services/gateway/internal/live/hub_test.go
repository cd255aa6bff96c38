package live

import (
	"errors"
	"testing"

	"souk.example/pkg/overload"
)

// Who is told that there is room may find it taken.
func TestRoomIsTakenByWhoListens(t *testing.T) {
	hub := &Hub{cfg: Config{Max: 2, PerUser: 1}, ears: make(map[int64]map[*ear]struct{})}
	if err := errors.Join(hub.room(7), hub.room(7), hub.room(9)); err != nil {
		t.Fatal(err)
	}
	first, err := hub.listen(7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hub.listen(7); !errors.Is(err, errTooMany) {
		t.Errorf("a second stream of one user: %v", err)
	}
	if _, err := hub.listen(8); err != nil {
		t.Error(err)
	}
	if _, err := hub.listen(9); !errors.Is(err, overload.ErrOverloaded) {
		t.Errorf("a third stream: %v", err)
	}
	first.close()
	if _, err := hub.listen(9); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}
