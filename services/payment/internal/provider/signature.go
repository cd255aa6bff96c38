package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"souk.example/pkg/config"
)

// SignatureHeader carries a webhook's signature:
// "t=<unix seconds>,v1=<hex HMAC-SHA256 of t.body>", with a v1 for each secret
// while secrets rotate.
const SignatureHeader = "Souk-Signature"

const (
	// tolerance is how far the provider's clock and the way here may put a
	// signature's time from ours, either way.
	tolerance = 300 * time.Second
	// maxSignatures bounds the work that a header can ask for.
	maxSignatures = 16
)

// ErrBadSignature is a webhook that nobody who knows a secret has sent, or not
// lately, or not with this body.
var ErrBadSignature = errors.New("bad webhook signature")

// Verifier tells the provider's webhooks from others. Safe for concurrent use.
// One without secrets believes nothing.
type Verifier struct {
	secrets []config.Secret
	now     func() time.Time
}

// NewVerifier makes a Verifier; any of the secrets may match.
func NewVerifier(secrets []config.Secret, now func() time.Time) *Verifier {
	return &Verifier{secrets: secrets, now: now}
}

// Verify checks the signature over the body's bytes as they came; a body that
// was decoded and encoded again is another body.
func (v *Verifier) Verify(header string, body []byte) error {
	at, signatures, ok := parseSignature(header)
	if !ok || v.now().Sub(at).Abs() > tolerance {
		return ErrBadSignature
	}
	matched := false
	for _, secret := range v.secrets {
		want := sign(secret, at, body)
		for _, s := range signatures {
			matched = hmac.Equal(s, want) || matched
		}
	}
	if !matched {
		return ErrBadSignature
	}
	return nil
}

func sign(secret config.Secret, at time.Time, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret.Reveal()))
	mac.Write(strconv.AppendInt(nil, at.Unix(), 10))
	mac.Write([]byte("."))
	mac.Write(body)
	return mac.Sum(nil)
}

// parseSignature wants one t and at least one v1; what else a later version may
// add is passed over.
func parseSignature(header string) (at time.Time, signatures [][]byte, ok bool) {
	var stamps int
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			seconds, err := strconv.ParseUint(value, 10, 40)
			if err != nil || value != strconv.FormatUint(seconds, 10) {
				return at, nil, false
			}
			at = time.Unix(int64(seconds), 0)
			stamps++
		case "v1":
			s, err := hex.DecodeString(value)
			if err != nil || len(signatures) == maxSignatures {
				return at, nil, false
			}
			signatures = append(signatures, s)
		}
	}
	return at, signatures, stamps == 1 && len(signatures) > 0
}
