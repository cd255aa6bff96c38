package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"souk.example/pkg/config"
)

// Header carries the signature.
const Header = "Souk-Signature"

// Sign is the header's value: the time in unix seconds and, for each secret,
// the hex HMAC-SHA256 of "<time>.<body>".
func Sign(secrets []config.Secret, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	var header strings.Builder
	header.WriteString("t=" + stamp)
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		_, _ = fmt.Fprintf(mac, "%s.%s", stamp, body)
		header.WriteString(",v1=" + hex.EncodeToString(mac.Sum(nil)))
	}
	return header.String()
}
