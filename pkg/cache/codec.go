package cache

import "encoding/json"

// Codec turns values into bytes for L2. Both functions must be safe for
// concurrent use.
type Codec[T any] interface {
	Encode(value T) ([]byte, error)
	Decode(data []byte) (T, error)
}

// JSON is the default codec.
type JSON[T any] struct{}

// Encode implements Codec.
func (JSON[T]) Encode(value T) ([]byte, error) { return json.Marshal(value) }

// Decode implements Codec.
func (JSON[T]) Decode(data []byte) (T, error) {
	var value T
	err := json.Unmarshal(data, &value)
	return value, err
}

// Envelope of an L2 value: one byte of flags, then the encoded value. A
// reader treats flags it does not know as a miss, so a later version can add
// header fields behind new flags.
const (
	flagValue byte = 1 << iota // what follows is a value
	flagNull                   // the source has no such key
	flagLease                  // what follows is a lease token
)

func seal(data []byte, found bool) []byte {
	if !found {
		return []byte{flagNull}
	}
	return append([]byte{flagValue}, data...)
}

// lease is the placeholder of whoever loads a key.
type lease string

func (l lease) placeholder() string { return string(flagLease) + string(l) }
