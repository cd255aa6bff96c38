package provider

import (
	"encoding/json"
	"errors"
	"fmt"

	"souk.example/services/payment/internal/payment"
)

// Notice is a webhook's body.
type Notice struct {
	Merchant string
	// Word is what it says; nil when it is of a type that means nothing to us.
	Word *payment.Word
}

// ErrMalformedNotice is a body that is not a notice.
var ErrMalformedNotice = errors.New("malformed webhook")

type noticeJSON struct {
	Type     string      `json:"type"`
	Merchant string      `json:"merchant"`
	Charge   *chargeJSON `json:"charge"`
	Refund   *refundJSON `json:"refund"`
}

// ParseNotice reads a body whose signature was verified. A notice may be an
// older copy: what it says counts only as far as it leads on, whatever its type.
func ParseNotice(body []byte) (Notice, error) {
	var n noticeJSON
	if err := json.Unmarshal(body, &n); err != nil {
		return Notice{}, fmt.Errorf("%w: not JSON of its form", ErrMalformedNotice) // json's own error may quote the body
	}
	notice := Notice{Merchant: n.Merchant}
	word, err := n.word()
	if err != nil {
		return Notice{}, fmt.Errorf("%w: %w", ErrMalformedNotice, err)
	}
	notice.Word = word
	return notice, nil
}

func (n noticeJSON) word() (*payment.Word, error) {
	var word payment.Word
	var err error
	switch n.Type {
	case "charge.succeeded", "charge.failed", "charge.processing":
		if n.Charge == nil {
			return nil, errMalformed
		}
		word, err = n.Charge.word()
	case "refund.succeeded":
		if n.Refund == nil {
			return nil, errMalformed
		}
		word, err = n.Refund.word()
	default:
		return nil, nil
	}
	return &word, err
}
