package psp

// Manner is how the provider treats a charge.
type Manner struct {
	Status      Status
	FailureCode string
	Hangs       int  // the first so many calls get no answer and have no effect
	LosesReply  bool // the call that charges gets no answer
	EventFirst  bool // the webhook is delivered before the reply
	Copies      int  // deliveries of the webhook; 0 is one
	OlderCopy   bool // one delivery shows the charge as it was before
}

// What a declined charge is told.
const (
	codeDeclined     = "card_declined"
	codeInvalidToken = "invalid_token"
)

// Ordinary is the token that the knobs act on.
const Ordinary = "tok_ok"

// manners are the magic tokens. Never written to.
var manners = map[string]Manner{
	Ordinary:                {Status: Succeeded},
	"tok_declined":          {Status: Failed, FailureCode: codeDeclined},
	"tok_timeout":           {Status: Succeeded, Hangs: 2},
	"tok_reply_lost":        {Status: Succeeded, LosesReply: true},
	"tok_late":              {Status: Processing},
	"tok_duplicate_webhook": {Status: Succeeded, Copies: 3, OlderCopy: true},
	"tok_webhook_first":     {Status: Succeeded, EventFirst: true},
}

// MannerOf is how a charge of a token is treated; a token that is not magic is
// an invalid one.
func MannerOf(token string) Manner {
	if m, ok := manners[token]; ok {
		return m
	}
	return Manner{Status: Failed, FailureCode: codeInvalidToken}
}
