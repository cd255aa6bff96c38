package psp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"souk.example/pkg/apperr"
	"souk.example/pkg/failpoint"
	"souk.example/pkg/groupcommit"
)

// ErrNoReply says that the connection is to end without a reply: the money was
// taken or not, as the manner has it.
var ErrNoReply = errors.New("no reply, as the manner has it")

// hangFor is how long a call that gets no answer is kept waiting.
const hangFor = 30 * time.Second

// ChargeRequest asks for money. Requests with one Key are the same request.
type ChargeRequest struct {
	Key, Reference, Token string
	Amount                int64
	Currency              string
}

// Charged is the answer: the charge as it stands, and whether this very call
// made it.
type Charged struct {
	Charge
	Created bool
	event   Event
}

// Cashier charges. Safe for concurrent use while Run runs.
type Cashier struct {
	store     Store
	ids       IDs
	courier   Courier
	panel     *Panel
	lateAfter time.Duration
	now       func() time.Time
	commits   *groupcommit.Committer[ChargeRequest, Charged]

	mu    sync.Mutex
	calls map[string]int // by key, of charges not made yet
}

// NewCashier makes a Cashier; a processing charge succeeds lateAfter it was made.
func NewCashier(store Store, ids IDs, courier Courier, panel *Panel, lateAfter time.Duration, now func() time.Time) *Cashier {
	c := &Cashier{store: store, ids: ids, courier: courier, panel: panel, lateAfter: lateAfter, now: now, calls: make(map[string]int)}
	c.commits = groupcommit.New(groupcommit.Config{}, c.flush)
	return c
}

// Run commits what Charge asks for until ctx ends.
func (c *Cashier) Run(ctx context.Context) error { return c.commits.Run(ctx) }

// Charge charges once per key and answers repetitions with the charge as it
// stands. What it answers is durable, and so are its webhooks. It may block for
// half a minute and return ErrNoReply, as the token's manner has it.
func (c *Cashier) Charge(ctx context.Context, r ChargeRequest) (Charged, error) {
	if err := r.validate(); err != nil {
		return Charged{}, err
	}
	was, found, err := c.store.Made(ctx, r.Key)
	if err != nil {
		return Charged{}, err
	}
	if found {
		return r.repeated(was)
	}
	m, err := c.suffer(ctx, r)
	if err != nil {
		return Charged{}, err
	}
	made, err := c.commits.Do(ctx, r)
	if err != nil {
		return Charged{}, err
	}
	c.forget(r.Key)
	return made, c.tell(ctx, made, m)
}

// suffer lets happen what comes before the charge.
func (c *Cashier) suffer(ctx context.Context, r ChargeRequest) (Manner, error) {
	knobs, m, nth := c.panel.Get(), MannerOf(r.Token), c.called(r.Key)
	if r.Token == Ordinary {
		m = knobs.manner(r.Key)
		if knobs.outOfOrder(r.Key, nth) {
			return m, ErrOutOfOrder
		}
	}
	if nth <= m.Hangs {
		wait(ctx, hangFor)
		return m, ErrNoReply
	}
	wait(ctx, knobs.latency())
	return m, nil
}

// tell sends the webhook and lets happen what comes after the charge.
func (c *Cashier) tell(ctx context.Context, made Charged, m Manner) error {
	if made.Created && m.EventFirst {
		c.courier.Deliver(ctx, made.event)
	}
	c.courier.Wake()
	if made.Created && m.LosesReply {
		return ErrNoReply
	}
	return nil
}

// maxCalls bounds how many keys are remembered that never became a charge.
const maxCalls = 100_000

func (c *Cashier) called(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.calls) >= maxCalls {
		clear(c.calls)
	}
	c.calls[key]++
	return c.calls[key]
}

func (c *Cashier) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, key)
}

// flush charges a batch in one transaction; a request finds what those before
// it made.
func (c *Cashier) flush(ctx context.Context, batch []ChargeRequest) (out []groupcommit.Outcome[Charged], err error) {
	err = c.store.InUnit(ctx, func(ctx context.Context, u Unit) error {
		made, err := u.Charges(ctx, keysOf(batch))
		if err != nil {
			return err
		}
		var charges []Charge
		var events []Event
		out = make([]groupcommit.Outcome[Charged], len(batch))
		for i, r := range batch {
			if was, ok := made[r.Key]; ok {
				out[i].Value, out[i].Err = r.repeated(was)
				continue
			}
			fresh, all, err := c.decide(r)
			if err != nil {
				return err
			}
			made[r.Key], charges, events = fresh, append(charges, fresh), append(events, all...)
			out[i].Value = Charged{Charge: fresh, Created: true}
			if len(all) > 0 {
				out[i].Value.event = all[0]
			}
		}
		if err := u.AddCharges(ctx, charges); err != nil {
			return err
		}
		failpoint.Hit("psp-charge-before-commit")
		return u.Emit(ctx, events)
	})
	failpoint.Hit("psp-charge-after-commit")
	return out, err
}

// decide makes a new charge and its webhooks.
func (c *Cashier) decide(r ChargeRequest) (Charge, []Event, error) {
	number, err := c.ids.Next()
	if err != nil {
		return Charge{}, nil, err
	}
	knobs, m, now := c.panel.Get(), MannerOf(r.Token), c.now().UTC().Truncate(time.Microsecond)
	if r.Token == Ordinary {
		m = knobs.manner(r.Key)
	}
	charge := Charge{
		ID: ident("ch", number), Key: r.Key, Reference: r.Reference, Token: r.Token, Amount: r.Amount, Currency: r.Currency,
		Status: m.Status, FailureCode: m.FailureCode, CreatedAt: now, UpdatedAt: now,
	}
	if m.Status == Processing {
		charge.DueAt = now.Add(c.lateAfter)
		return charge, nil, nil
	}
	return charge, eventsOf(charge, m, number, now, knobs), nil
}

// eventsOf are the webhooks about a charge that was decided at once.
func eventsOf(c Charge, m Manner, number int64, now time.Time, knobs Knobs) []Event {
	events := make([]Event, max(m.Copies, 1))
	for i := range events {
		events[i] = Event{ID: fmt.Sprintf("%s_%d", ident("evt", number), i), Type: about(c), At: now, DueAt: now.Add(knobs.shuffle()), Charge: c}
	}
	if m.OlderCopy { // comes last, and shows what was before
		older := &events[len(events)-1]
		older.Charge.Status, older.Charge.FailureCode = Processing, ""
		older.DueAt = older.DueAt.Add(50 * time.Millisecond)
	}
	return events
}

func about(c Charge) EventType {
	if c.Status == Failed {
		return ChargeFailed
	}
	return ChargeSucceeded
}

// ident makes an id that sorts by number.
func ident(prefix string, number int64) string { return fmt.Sprintf("%s_%016x", prefix, number) }

func (r ChargeRequest) validate() error {
	switch {
	case r.Amount <= 0:
		return invalid("amount", "an amount is 1 or more minor units")
	case len(r.Currency) != 3 || strings.ToUpper(r.Currency) != r.Currency:
		return invalid("currency", "a currency is three capital letters")
	case r.Token == "" || len(r.Token) > 255:
		return invalid("token", "a token has 1 to 255 characters")
	case r.Reference == "" || len(r.Reference) > 64:
		return invalid("reference", "a reference has 1 to 64 characters")
	}
	return nil
}

func invalid(field, detail string) error {
	return apperr.New(apperr.Unprocessable, "invalid_request", "the request cannot be carried out as asked").
		WithFields(apperr.Field{Field: field, Code: "invalid", Detail: detail})
}

// repeated answers a request whose key has been used.
func (r ChargeRequest) repeated(was Charge) (Charged, error) {
	if was.Amount != r.Amount || was.Currency != r.Currency || was.Token != r.Token || was.Reference != r.Reference {
		return Charged{}, ErrKeyReused
	}
	return Charged{Charge: was}, nil
}

func keysOf(batch []ChargeRequest) []string {
	keys := make([]string, len(batch))
	for i, r := range batch {
		keys[i] = r.Key
	}
	return keys
}

// wait returns after d or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
