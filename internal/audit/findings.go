package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Violation is one broken promise.
type Violation struct {
	Invariant Invariant `json:"invariant"`
	Subject   string    `json:"subject"` // what it is about, e.g. "order 123"
	Detail    string    `json:"detail"`
}

// Order is the order that the violation is about; false when it is about
// something else.
func (v Violation) Order() (id int64, ok bool) {
	if !strings.HasPrefix(v.Subject, "order ") && !strings.HasPrefix(v.Subject, "refund ") {
		return 0, false
	}
	id, err := strconv.ParseInt(keyOf(v.Subject), 10, 64)
	return id, err == nil && id > 0
}

const (
	// A broken platform may break a promise a million times; a thousand
	// examples of each are enough to know.
	maxPerInvariant = 1_000
	maxSuspects     = 100_000
)

// findings is what one pass has found. Not safe for concurrent use.
type findings struct {
	certain  []Violation
	counts   map[Invariant]int
	suspects map[Violation]bool
	unheard  map[Violation]bool // the suspects that the provider's word may yet clear
	parked   map[string]bool    // keys set aside: what they miss is known
	messages int                // set aside under those keys
	stuck    int                // returns that wait for an operator
	asOf     time.Time          // of the order's snapshot, by its database's clock
	checked  Checked
}

func newFindings() *findings {
	return &findings{counts: map[Invariant]int{}, suspects: map[Violation]bool{}, unheard: map[Violation]bool{}, parked: map[string]bool{}}
}

// violated records what one database says against itself.
func (f *findings) violated(inv Invariant, subject, detail string, args ...any) {
	if f.counts[inv]++; f.counts[inv] <= maxPerInvariant {
		f.certain = append(f.certain, Violation{Invariant: inv, Subject: subject, Detail: fmt.Sprintf(detail, args...)})
	}
}

// suspect records a difference between databases about an order. The detail
// names the states that differ: an order that has moved on from one difference
// to the next has not stood still.
func (f *findings) suspect(inv Invariant, order int64, detail string, args ...any) {
	if f.parked[fmt.Sprint(order)] || len(f.suspects) >= maxSuspects {
		return
	}
	f.suspects[Violation{Invariant: inv, Subject: orderSubject(order), Detail: fmt.Sprintf(detail, args...)}] = true
}

// disagree records a difference between the provider and payment. The
// provider's word may be on its way for longer than anything of souk's own.
func (f *findings) disagree(inv Invariant, subject, detail string, args ...any) {
	if f.parked[keyOf(subject)] || len(f.suspects) >= maxSuspects {
		return
	}
	v := Violation{Invariant: inv, Subject: subject, Detail: fmt.Sprintf(detail, args...)}
	f.suspects[v], f.unheard[v] = true, true
}

// keyOf is the order's id in "order 7" and "refund 7:late", the key under which
// its messages are set aside.
func keyOf(subject string) string {
	_, id, _ := strings.Cut(subject, " ")
	key, _, _ := strings.Cut(id, ":")
	return key
}

// keep drops the suspicions that a later pass did not have again, word for word.
func (f *findings) keep(later *findings) {
	gone := func(v Violation, _ bool) bool { return !later.suspects[v] }
	maps.DeleteFunc(f.suspects, gone)
	maps.DeleteFunc(f.unheard, gone)
}

// confirm turns the suspicions that are left into violations.
func (f *findings) confirm() {
	for v := range f.suspects {
		f.violated(v.Invariant, v.Subject, "%s", v.Detail)
	}
}

func (f *findings) report() Report {
	all := slices.SortedStableFunc(slices.Values(f.certain), func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.Invariant, b.Invariant), cmp.Compare(a.Subject, b.Subject))
	})
	for inv, n := range f.counts {
		if n > maxPerInvariant {
			all = append(all, Violation{Invariant: inv, Subject: "all", Detail: fmt.Sprintf("%d violations; the first %d are listed", n, maxPerInvariant)})
		}
	}
	return Report{Clean: len(all) == 0, Violations: append([]Violation{}, all...), Parked: f.messages, Stuck: f.stuck, Checked: f.checked}
}

func orderSubject(id int64) string { return fmt.Sprintf("order %d", id) }
