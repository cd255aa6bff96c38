// Package msgpack encodes cached values as MessagePack: half of JSON's size
// and time for values of many small fields. It stands apart from package cache
// so that nobody else links it.
package msgpack

import "github.com/vmihailenco/msgpack/v5"

// Codec is a cache.Codec. Fields are named by their Go names or `msgpack` tags.
// Safe for concurrent use.
type Codec[T any] struct{}

// Encode implements cache.Codec.
func (Codec[T]) Encode(value T) ([]byte, error) { return msgpack.Marshal(value) }

// Decode implements cache.Codec.
func (Codec[T]) Decode(data []byte) (T, error) {
	var value T
	err := msgpack.Unmarshal(data, &value)
	return value, err
}
