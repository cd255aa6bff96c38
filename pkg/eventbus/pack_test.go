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

	"google.golang.org/protobuf/encoding/protowire"

	"souk.example/pkg/eventbus"
	"souk.example/pkg/eventbus/packpb"
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
		if generated := new(packpb.Pack); generated.UnmarshalVT(value) == nil && !reflect.DeepEqual(got, eventsOf(generated)) {
			t.Fatalf("Decode() = %+v, generated code reads %+v", got, eventsOf(generated))
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

// eventsOf is what Decode makes of a pack, by the generated code.
func eventsOf(pack *packpb.Pack) []eventbus.Event {
	events := make([]eventbus.Event, len(pack.Events))
	for i, e := range pack.Events {
		events[i] = eventbus.Event{
			ID: e.Id, Source: pack.Source, Type: e.Type, Subject: e.Subject, Time: time.UnixMicro(pack.TimeUs).UTC(),
			TraceParent: e.Traceparent, Nudge: e.Nudge, Payload: e.Payload,
		}
	}
	return events
}

// A receiver unpacks many more events than it handles.
func TestDecodeMakesOneObjectPerEvent(t *testing.T) {
	value := unsampledPack(t)
	got, err := eventbus.Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	const slack = 2 // the slice, and its source
	if allocs := testing.AllocsPerRun(10, func() { _, _ = eventbus.Decode(value) }); int(allocs) > len(got)+slack {
		t.Errorf("%v allocations for %d events", allocs, len(got))
	}
}

// To append to one payload must not write into the next event.
func TestPayloadsEndWhereTheyEnd(t *testing.T) {
	value, err := eventbus.Encode("order", at(), []eventbus.Event{events()[0], events()[0]})
	if err != nil {
		t.Fatal(err)
	}
	got, err := eventbus.Decode(value)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(got[0].Payload, "more than there is room for"...)
	if again, err := eventbus.Decode(value); err != nil || !reflect.DeepEqual(again, got) {
		t.Errorf("Decode() = %+v, %v, after an append to a payload", again, err)
	}
}

// Later versions may add fields.
func TestDecodePassesOverWhatItDoesNotKnow(t *testing.T) {
	value, err := eventbus.Encode("order", at(), events())
	if err != nil {
		t.Fatal(err)
	}
	for name, field := range map[string][]byte{
		"a number":     protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 7),
		"text":         protowire.AppendString(protowire.AppendTag(nil, 99, protowire.BytesType), "new"),
		"64 bits":      protowire.AppendFixed64(protowire.AppendTag(nil, 99, protowire.Fixed64Type), 7),
		"another kind": protowire.AppendFixed32(protowire.AppendTag(nil, 1, protowire.Fixed32Type), 7),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := eventbus.Decode(append(field, value...)); err != nil || !reflect.DeepEqual(got, events()) {
				t.Errorf("Decode() = %+v, %v", got, err)
			}
		})
	}
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
