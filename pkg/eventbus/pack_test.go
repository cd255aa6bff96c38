package eventbus_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"souk.example/pkg/eventbus"
)

var update = flag.Bool("update", false, "write the golden pack anew; only for a new schema version")

const goldenPack = "testdata/pack_v1.bin"

func at() time.Time { return time.Date(2026, 11, 21, 8, 30, 0, 123456000, time.UTC) }

func events() []eventbus.Event {
	return []eventbus.Event{
		{
			ID: "7194310284206080-1", Source: "order", Type: "order.placed.v1", Subject: "7194310284206080",
			Time: at(), TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
			Payload: []byte{8, 1, 18, 3, 'a', 'b', 'c'},
		},
		{
			ID: "7194310284206081-2", Source: "order", Type: "order.payment_due.v1", Subject: "7194310284206081",
			Time: at(), Nudge: true,
		},
	}
}

// What was written once is in event_log for good, so it must decode for good.
func TestGoldenPack(t *testing.T) {
	value, err := eventbus.Encode("order", at(), events())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(goldenPack, value, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(goldenPack)
	if err != nil {
		t.Fatal(err)
	}
	got, err := eventbus.Decode(golden)
	if err != nil || !reflect.DeepEqual(got, events()) {
		t.Errorf("Decode(%s) = %+v, %v, want %+v", goldenPack, got, err, events())
	}
	if !bytes.Equal(value, golden) {
		t.Errorf("Encode() no longer writes what %s holds", goldenPack)
	}
}

func TestEncodeTakesSourceAndTimeOfThePack(t *testing.T) {
	value, err := eventbus.Encode("payment", at(), events())
	if err != nil {
		t.Fatal(err)
	}
	got, err := eventbus.Decode(value)
	if err != nil || got[0].Source != "payment" || got[1].Source != "payment" {
		t.Errorf("Decode() = %+v, %v, want source payment", got, err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		source string
		events []eventbus.Event
	}{
		"no source":  {"", events()},
		"no events":  {"order", nil},
		"no id":      {"order", []eventbus.Event{{Type: "t", Subject: "s"}}},
		"no type":    {"order", []eventbus.Event{{ID: "i", Subject: "s"}}},
		"no subject": {"order", []eventbus.Event{{ID: "i", Type: "t"}}},
		"long id":    {"order", []eventbus.Event{{ID: strings.Repeat("i", 256), Type: "t", Subject: "s"}}},
		"not text":   {"order", []eventbus.Event{{ID: "i", Type: "t", Subject: "\xff"}}},
		"NUL":        {"order", []eventbus.Event{{ID: "i", Type: "t", Subject: "s\x00"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := eventbus.Encode(test.source, at(), test.events); err == nil {
				t.Error("Encode() = nil")
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole, err := eventbus.Encode("order", at(), events())
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string][]byte{
		"nothing":   nil,
		"noise":     []byte("not a pack"),
		"truncated": whole[:len(whole)-3],
		"no events": {10, 5, 'o', 'r', 'd', 'e', 'r'},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := eventbus.Decode(value); err == nil {
				t.Errorf("Decode() = %+v", got)
			}
		})
	}
}

func TestRecordRefusesAnotherSchema(t *testing.T) {
	value, err := eventbus.Encode("order", at(), events())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (eventbus.Record{Value: value, Schema: "2"}).Events(); err == nil {
		t.Error("Events() of schema 2 = nil")
	}
	for _, schema := range []string{"", eventbus.SchemaVersion} {
		if got, err := (eventbus.Record{Value: value, Schema: schema}).Events(); err != nil || len(got) != 2 {
			t.Errorf("Events() of schema %q = %v, %v", schema, got, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	whole, err := eventbus.Encode("order", at(), events())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := eventbus.Decode(value)
		if err != nil {
			return
		}
		again, err := eventbus.Encode(got[0].Source, got[0].Time, got)
		if err != nil {
			t.Fatalf("Encode() of what Decode returned: %v", err)
		}
		if back, err := eventbus.Decode(again); err != nil || len(back) != len(got) {
			t.Fatalf("Decode() = %v, %v, want %v", back, err, got)
		}
	})
}

func ExampleEncode() {
	placed := eventbus.Event{ID: "42-1", Type: "order.placed.v1", Subject: "42"}
	value, err := eventbus.Encode("order", time.Now(), []eventbus.Event{placed})
	if err != nil {
		fmt.Println(err)
		return
	}
	got, err := eventbus.Decode(value)
	fmt.Println(got[0].Source, got[0].ID, got[0].Type, err)
	// Output: order 42-1 order.placed.v1 <nil>
}
