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

// Status is the column that a row changes as time goes on.
const Status = "status"

// Now tells a row's status so that nobody takes it for that of the time at
// which the row was made, where an entry stands.
func Now(status any) string { return fmt.Sprintf("now %v", status) }

// Summary says in a few words what the entry tells; a row tells how things
// stand by now.
func (e Entry) Summary() string {
	said, words := e.Row, []string{}
	if e.Event != nil {
		words = append(words, strings.TrimSuffix(e.Event.Type, ".v1"))
		_ = json.Unmarshal(e.Event.Data, &said) // what cannot be read is not told
	}
	for _, name := range telling[e.Kind] {
		text := fmt.Sprint(said[name])
		switch {
		case slices.Contains([]string{"", "0", "<nil>"}, text):
		case name == Status:
			words = append(words, Now(text))
		default:
			words = append(words, name+"="+text)
		}
	}
	return strings.Join(words, " ")
}
