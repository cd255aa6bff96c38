package user

import (
	"context"
	"fmt"
	"time"
)

// AddressBook is what users do with their addresses.
type AddressBook struct {
	addresses Addresses
	ids       IDs
	now       func() time.Time
}

// NewAddressBook makes an AddressBook.
func NewAddressBook(addresses Addresses, ids IDs, now func() time.Time) *AddressBook {
	return &AddressBook{addresses: addresses, ids: ids, now: now}
}

// Add keeps a new address: InvalidErrors or ErrTooManyAddresses.
func (b *AddressBook) Add(ctx context.Context, owner ID, p Place) (Address, error) {
	p, err := p.cleaned()
	if err != nil {
		return Address{}, err
	}
	id, err := b.ids.Next()
	if err != nil {
		return Address{}, fmt.Errorf("take an id: %w", err)
	}
	now := b.now()
	return b.addresses.Add(ctx, Address{ID: AddressID(id), User: owner, Place: p, CreatedAt: now, UpdatedAt: now})
}

// Replace changes an address as a whole: InvalidErrors or ErrAddressNotFound.
func (b *AddressBook) Replace(ctx context.Context, owner ID, id AddressID, p Place) (Address, error) {
	p, err := p.cleaned()
	if err != nil {
		return Address{}, err
	}
	return b.addresses.Replace(ctx, Address{ID: id, User: owner, Place: p, UpdatedAt: b.now()})
}

// Remove forgets an address, or is ErrAddressNotFound.
func (b *AddressBook) Remove(ctx context.Context, owner ID, id AddressID) error {
	return b.addresses.Remove(ctx, owner, id)
}

// List returns the user's addresses after the one given, oldest first.
func (b *AddressBook) List(ctx context.Context, owner ID, after AddressID, limit int) ([]Address, error) {
	return b.addresses.List(ctx, owner, after, limit)
}
