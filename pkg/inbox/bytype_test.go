package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"souk.example/pkg/database"
	"souk.example/pkg/eventbus"
	"souk.example/pkg/inbox"
)

func TestByTypeGroupsAndKeepsTheOrderOfAKey(t *testing.T) {
	for name, test := range map[string]struct {
		events string // type and key of each
		want   []string
	}{
		"one type":                     {"a1 a2 a3", []string{"a1 a2 a3"}},
		"types of different keys":      {"a1 b2 a3 b4", []string{"a1 a3", "b2 b4"}},
		"a key goes from type to type": {"a1 b1 a2 b2", []string{"a1 a2", "b1 b2"}},
		"a key comes back to a type":   {"a1 b1 a1 b1", []string{"a1", "b1", "a1", "b1"}},
		"only that key is held back":   {"a1 b1 a1 a2 b2", []string{"a1", "b1", "a1 a2", "b2"}},
		"no events":                    {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			note := func(_ context.Context, _ *database.Tx, events []eventbus.Event) error {
				var group []string
				for _, e := range events {
					group = append(group, e.Type+e.Subject)
				}
				got = append(got, strings.Join(group, " "))
				return nil
			}
			var events []eventbus.Event
			for _, e := range strings.Fields(test.events) {
				events = append(events, eventbus.Event{Type: e[:1], Subject: e[1:]})
			}
			handle := inbox.ByType(map[string]inbox.Batch{"a": note, "b": note})
			if err := handle(t.Context(), nil, events); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("groups %q, want %q", got, test.want)
			}
		})
	}
}

func TestByTypeStopsAtAnError(t *testing.T) {
	fails := errors.New("fails")
	handle := inbox.ByType(map[string]inbox.Batch{
		"a": func(context.Context, *database.Tx, []eventbus.Event) error { return fails },
		"b": func(context.Context, *database.Tx, []eventbus.Event) error { panic("not reached") },
	})
	if err := handle(t.Context(), nil, []eventbus.Event{{Type: "a"}, {Type: "b"}}); !errors.Is(err, fails) {
		t.Errorf("error = %v, want the handler's", err)
	}
	if err := handle(t.Context(), nil, []eventbus.Event{{Type: "c"}}); err == nil {
		t.Error("an event without a handler was let through")
	}
}

func TestPermanentKeepsItsCause(t *testing.T) {
	if inbox.Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
	if err := inbox.Permanent(errPoison); !errors.Is(err, errPoison) || err.Error() != errPoison.Error() {
		t.Errorf("Permanent() = %v", err)
	}
}

func ExampleEach() {
	apply := inbox.Each(func(_ context.Context, _ *database.Tx, e eventbus.Event) error {
		fmt.Println("apply", e.ID)
		return nil
	})
	err := apply(context.Background(), nil, []eventbus.Event{{ID: "1-1"}, {ID: "1-2"}})
	fmt.Println(err)
	// Output:
	// apply 1-1
	// apply 1-2
	// <nil>
}
