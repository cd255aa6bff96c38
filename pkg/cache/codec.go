package cache

import "encoding/json"

// Codec turns values into bytes for L2. Both functions must be safe for
// concurrent use. Packages msgpack and protobuf below this one have others.
type Codec[T any] interface {
	// Encode must not change value, which readers have already.
	Encode(value T) ([]byte, error)
	// Decode may keep data, which nobody else uses or changes, and must not
	// change it.
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

// Raw is the codec of values that are bytes already.
type Raw struct{}

// Encode implements Codec.
func (Raw) Encode(value []byte) ([]byte, error) { return value, nil }

// Decode implements Codec.
func (Raw) Decode(data []byte) ([]byte, error) { return data, nil }
