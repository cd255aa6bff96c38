// Package protobuf encodes cached protobuf messages. It stands apart from
// package cache so that nobody else links it.
package protobuf

import "google.golang.org/protobuf/proto"

// Codec is a cache.Codec of messages *M, as in Codec[pb.Product, *pb.Product].
// Safe for concurrent use.
type Codec[M any, P interface {
	*M
	proto.Message
}] struct{}

// Encode implements cache.Codec.
func (Codec[M, P]) Encode(message P) ([]byte, error) { return proto.Marshal(message) }

// Decode implements cache.Codec.
func (Codec[M, P]) Decode(data []byte) (P, error) {
	message := P(new(M))
	err := proto.Unmarshal(data, message)
	return message, err
}
