package payment

// Status is how far a payment or a refund has come.
type Status string

const (
	None     Status = ""         // nothing was ever asked
	Pending  Status = "PENDING"  // the provider is to be asked, and has not been
	Calling  Status = "CALLING"  // committed before the call; whether it was made is open
	Unknown  Status = "UNKNOWN"  // asked, and no definite answer yet: it is asked again, with the same key
	Captured Status = "CAPTURED" // exactly the amount asked for was taken
	Failed   Status = "FAILED"   // nothing was taken, unless the provider takes its word back
	Voided   Status = "VOIDED"   // cancelled before anybody was asked for money: a later request does nothing
	Refunded Status = "REFUNDED" // of a refund: all of it was given back
)

// Event is what happens to a payment or a refund.
type Event uint8

const (
	Asked      Event = iota // order asks
	AskedAgain              // order asks again, because it still waits for the answer
	Cancelled               // order was cancelled
	Called                  // the provider is about to be asked
	NotSent                 // the provider was not asked after all, and never had been
	Unsure                  // the provider gave no definite answer, or none at all
	Declined                // the provider took nothing
	Succeeded               // the provider did what it was asked
)

// Effect is what an event does.
type Effect uint8

const (
	Ignore Effect = iota // nothing: it is done already, or comes too late
	Settle               // decide what was asked
	Move                 // the status becomes Step.To
	Note                 // remember that the order was cancelled
	Repeat               // answer what was answered before
)

// Step is one cell of a machine; the zero value changes nothing.
type Step struct {
	Do Effect
	To Status
}

var (
	settle = Step{Do: Settle}
	note   = Step{Do: Note}
	repeat = Step{Do: Repeat}
)

func to(s Status) Step { return Step{Do: Move, To: s} }

// machine is all that can happen to a payment; what it does not list changes
// nothing. Money that the provider says it took is always recorded, whatever
// was known before: nothing leaves Captured, and Succeeded leads there from
// wherever a payment exists. Never written to.
var machine = map[Status]map[Event]Step{
	None:     {Asked: settle, AskedAgain: settle, Cancelled: to(Voided)},
	Pending:  {Cancelled: to(Voided), Called: to(Calling), Declined: to(Failed), Succeeded: to(Captured)},
	Calling:  {Cancelled: note, Called: to(Calling), NotSent: to(Pending), Unsure: to(Unknown), Declined: to(Failed), Succeeded: to(Captured)},
	Unknown:  {Cancelled: note, Called: to(Calling), Declined: to(Failed), Succeeded: to(Captured)},
	Captured: {AskedAgain: repeat, Cancelled: note},
	Failed:   {AskedAgain: repeat, Cancelled: note, Succeeded: to(Captured)},
	Voided:   {Succeeded: to(Captured)},
}

// refundMachine is all that can happen to a refund, in the same way. A refund
// is not declined: its amount was captured and is reserved, so a provider that
// will not give it back is asked again, and an alarm tells that somebody has to
// look.
var refundMachine = map[Status]map[Event]Step{
	None:     {Asked: settle, AskedAgain: settle},
	Pending:  {Called: to(Calling), Succeeded: to(Refunded)},
	Calling:  {Called: to(Calling), NotSent: to(Pending), Unsure: to(Unknown), Succeeded: to(Refunded)},
	Unknown:  {Called: to(Calling), Succeeded: to(Refunded)},
	Refunded: {AskedAgain: repeat},
}

// Next is what e does to a payment in status s.
func Next(s Status, e Event) Step { return machine[s][e] }

// NextOfRefund is what e does to a refund in status s.
func NextOfRefund(s Status, e Event) Step { return refundMachine[s][e] }

// Open reports whether the provider has yet to say what became of it: exactly
// then there is a Call.
func (s Status) Open() bool { return s == Pending || s == Calling || s == Unknown }

// OpenStatuses lists the statuses that are Open.
func OpenStatuses() []Status { return []Status{Pending, Calling, Unknown} }
