package cache

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/klauspost/compress/s2"
)

// An L2 value is an envelope: a byte of flags, the life of the answer, then
// the encoded value, if any. A reader treats flags it does not know as a miss,
// so a later version can add fields behind new flags.
const (
	flagValue      byte = 1 << iota // what follows is a value
	flagNull                        // the source has no such key
	flagLease                       // a lease token follows, and nothing else
	flagCompressed                  // the value is an S2 block
)

// headerSize is that of the flags and the life: id 8, soft 8, hard 8, took 4.
const headerSize = 29

var errEnvelope = errors.New("cache: not an envelope")

// life is when an answer ends. Both times are Unix milliseconds of whoever
// loaded it, so they are as exact as the processes' clocks agree; the end in
// L2 is Redis' own.
type life struct {
	id   uint64 // random: tells an entry from its successor
	soft int64  // from when it is to be reloaded
	hard int64  // from when it is gone
	took time.Duration
}

// seal makes an envelope. Data under compressFrom bytes, or that does not
// shrink by an eighth, stays as it is; a negative compressFrom compresses none.
func seal(l life, found bool, data []byte, compressFrom int) []byte {
	flags := flagNull
	if found {
		flags = flagValue
	}
	if found && compressFrom >= 0 && len(data) >= compressFrom {
		if packed := s2.Encode(nil, data); len(packed) <= len(data)-len(data)/8 {
			flags, data = flags|flagCompressed, packed
		}
	}
	out := make([]byte, headerSize, headerSize+len(data))
	out[0] = flags
	binary.BigEndian.PutUint64(out[1:], l.id)
	binary.BigEndian.PutUint64(out[9:], uint64(l.soft))
	binary.BigEndian.PutUint64(out[17:], uint64(l.hard))
	binary.BigEndian.PutUint32(out[25:], uint32(min(l.took.Microseconds(), math.MaxUint32)))
	return append(out, data...)
}

// unseal is seal's inverse. A value that would unpack to more than maxSize
// bytes is refused before it takes the memory.
func unseal(held []byte, maxSize int) (l life, found bool, data []byte, err error) {
	if len(held) < headerSize {
		return l, false, nil, errEnvelope
	}
	l = life{
		id:   binary.BigEndian.Uint64(held[1:]),
		soft: int64(binary.BigEndian.Uint64(held[9:])),
		hard: int64(binary.BigEndian.Uint64(held[17:])),
		took: time.Duration(binary.BigEndian.Uint32(held[25:])) * time.Microsecond,
	}
	data = held[headerSize:]
	switch held[0] {
	case flagNull:
		return l, false, nil, nil
	case flagValue:
		return l, true, data, nil
	case flagValue | flagCompressed:
		if n, err := s2.DecodedLen(data); err != nil || n > maxSize {
			return l, false, nil, errEnvelope
		}
		data, err = s2.Decode(nil, data)
		return l, true, data, err
	default:
		return l, false, nil, errEnvelope
	}
}

// leaseSize is that of a placeholder: the flag and the token of rand.Text.
const leaseSize = 1 + 26

// isLease tells a placeholder from an envelope and from what is neither.
func isLease(held []byte) bool { return len(held) == leaseSize && held[0] == flagLease }

// placeholder is what stands in L2 for whoever loads under token.
func placeholder(token string) string { return string(flagLease) + token }

// mark is the beginning of what L2 holds by which its successor is told from
// it: a lease, or the header of an envelope.
func mark(held []byte) string { return string(held[:min(len(held), headerSize)]) }
