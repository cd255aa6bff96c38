package contracts

import (
	"encoding/binary"
	"errors"
)

// MovedChannel is the Redis channel on which order says, after each commit, which
// orders it has moved. It is a hint, for who shows orders as they move: what it says
// may be lost, and is true in SQL before it is said.
const MovedChannel = "souk:orders:moved"

// Moved is one order that has moved, and whose it is.
type Moved struct{ UserID, OrderID int64 }

const movedSize = 16 // bytes

// EncodeMoved writes the orders of one hint.
func EncodeMoved(orders []Moved) []byte {
	hint := make([]byte, 0, movedSize*len(orders))
	for _, m := range orders {
		hint = binary.BigEndian.AppendUint64(hint, uint64(m.UserID))
		hint = binary.BigEndian.AppendUint64(hint, uint64(m.OrderID))
	}
	return hint
}

// DecodeMoved reads a hint.
func DecodeMoved(hint []byte) ([]Moved, error) {
	if len(hint)%movedSize != 0 {
		return nil, errors.New("contracts: a hint of orders that ends within one")
	}
	orders := make([]Moved, 0, len(hint)/movedSize)
	for ; len(hint) > 0; hint = hint[movedSize:] {
		orders = append(orders, Moved{int64(binary.BigEndian.Uint64(hint)), int64(binary.BigEndian.Uint64(hint[8:]))})
	}
	return orders, nil
}
