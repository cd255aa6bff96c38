package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"souk.example/pkg/config"
)

const maxKeyID = 64

// GenerateKey makes a key pair in the forms that MinterConfig.PrivateKey and
// Config.PublicKeys take. The key id is random.
func GenerateKey() (private config.Secret, public string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("generate key: %w", err)
	}
	var id [4]byte
	_, _ = rand.Read(id[:]) // crypto/rand never fails
	kid := hex.EncodeToString(id[:])
	return config.Secret(kid + ":" + base64.StdEncoding.EncodeToString(priv.Seed())),
		kid + ":" + base64.StdEncoding.EncodeToString(pub), nil
}

func parsePublicKeys(list string) (map[string]ed25519.PublicKey, error) {
	keys := make(map[string]ed25519.PublicKey)
	for entry := range strings.SplitSeq(list, ",") {
		kid, key, err := parseKey(strings.TrimSpace(entry), ed25519.PublicKeySize)
		if err != nil {
			return nil, fmt.Errorf("SOUK_JWT_PUBLIC_KEYS: %w", err)
		}
		if _, twice := keys[kid]; twice {
			return nil, fmt.Errorf("SOUK_JWT_PUBLIC_KEYS: key id %s stands twice", kid)
		}
		keys[kid] = key
	}
	return keys, nil
}

// parseKey takes "kid:base64" apart. Its errors never repeat the key.
func parseKey(entry string, size int) (kid string, key []byte, err error) {
	kid, encoded, ok := strings.Cut(entry, ":")
	if !ok || !validKeyID(kid) {
		return "", nil, errors.New("want kid:base64 with a kid of letters, digits, '-' and '_'")
	}
	key, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) != size {
		return "", nil, fmt.Errorf("key %s is not %d bytes in base64", kid, size)
	}
	return kid, key, nil
}

func validKeyID(kid string) bool {
	if kid == "" || len(kid) > maxKeyID {
		return false
	}
	return !strings.ContainsFunc(kid, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}
