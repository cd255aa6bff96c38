package password

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Limits on what a stored hash may ask of us, generous for stronger parameters
// to come.
const (
	maxMemoryKiB = 256 << 10
	maxPasses    = 16
	maxLanes     = 16
)

// parse reads a PHC string of argon2id. Its parameters are the hash's own, so
// that old hashes outlive a change of ours.
func parse(hash string) (parsed, bool) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" {
		return parsed{}, false
	}
	var p parsed
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memoryKiB, &p.passes, &p.lanes); err != nil {
		return parsed{}, false
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return parsed{}, false
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return parsed{}, false
	}
	return p, p.reasonable()
}

func (p parsed) reasonable() bool {
	return p.memoryKiB > 0 && p.memoryKiB <= maxMemoryKiB &&
		p.passes > 0 && p.passes <= maxPasses && p.lanes > 0 && p.lanes <= maxLanes &&
		len(p.salt) >= saltSize && len(p.key) >= keySize
}
