package ordertrace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// telling are the columns of each kind of row, and the fields of events, that
// say what happened; those that are empty or 0 say nothing.
var telling = map[string][]string{
	"orders":        {"status", "reason", "payable", "points_used"},
	"reservation":   {"status", "reason"},
	"payment":       {"method", "status", "captured", "refunded", "reason"},
	"provider_call": {"kind", "attempts"},
	"ledger_entry":  {"debit_account", "credit_account", "amount"},
	"charge":        {"status", "failure_code", "amount", "refunded"},
	"refund":        {"status", "amount"},
	"points_freeze": {"status", "amount"},
	"points_entry":  {"rule", "amount"},
	"saga":          {"type", "status", "step", "last_error"},
	"saga_step":     {"step", "status", "error"},
	"dead_letter":   {"event_type", "error"},
	"event":         {"reason", "payable", "amount", "points", "taken", "given"},
}

// Summary says in a few words what the entry tells; a row tells how things
// stand by now.
func (e Entry) Summary() string {
	said, words := e.Row, []string{}
	if e.Event != nil {
		words = append(words, strings.TrimSuffix(e.Event.Type, ".v1"))
		_ = json.Unmarshal(e.Event.Data, &said) // what cannot be read is not told
	}
	for _, name := range telling[e.Kind] {
		if text := fmt.Sprint(said[name]); !slices.Contains([]string{"", "0", "<nil>"}, text) {
			words = append(words, name+"="+text)
		}
	}
	return strings.Join(words, " ")
}
