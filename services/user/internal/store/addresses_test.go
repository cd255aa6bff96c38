package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"souk.example/services/user/internal/store"
	"souk.example/services/user/internal/user"
)

// shelf is a store of addresses with two users, alice and bob.
type shelf struct {
	*store.Addresses
	alice, bob user.ID
}

func openShelf(t *testing.T) shelf {
	t.Helper()
	f := open(t)
	bob := f.alice
	bob.ID, bob.Email = 2, "bob@souk.example"
	if err := f.users.Add(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	return shelf{Addresses: store.NewAddresses(f.db), alice: f.alice.ID, bob: bob.ID}
}

func address(id user.AddressID, owner user.ID) user.Address {
	return user.Address{ID: id, User: owner, CreatedAt: noon, UpdatedAt: noon, Place: user.Place{
		Recipient: "Alice 😀", Phone: "+86 10 1234", Line1: "1 Main St.", Line2: "'; DROP TABLE address--",
		City: "北京", Region: "BJ", PostalCode: "100000", Country: "CN",
	}}
}

func defaulted(a user.Address) user.Address {
	a.Default = true
	return a
}

func (s shelf) add(t *testing.T, a user.Address) user.Address {
	t.Helper()
	added, err := s.Add(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func (s shelf) all(t *testing.T, owner user.ID) []user.Address {
	t.Helper()
	addresses, err := s.List(t.Context(), owner, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	return addresses
}

// defaults are the user's default addresses.
func (s shelf) defaults(t *testing.T, owner user.ID) (ids []user.AddressID) {
	t.Helper()
	for _, a := range s.all(t, owner) {
		if a.Default {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

func (s shelf) wantDefault(t *testing.T, owner user.ID, want user.AddressID) {
	t.Helper()
	if got := s.defaults(t, owner); len(got) != 1 || got[0] != want {
		t.Errorf("the defaults of %d are %v, want %d", owner, got, want)
	}
}

func TestAddressesRoundTrip(t *testing.T) {
	s := openShelf(t)
	first := s.add(t, address(10, s.alice))
	second := s.add(t, address(11, s.alice))
	if first != defaulted(address(10, s.alice)) || second != address(11, s.alice) {
		t.Errorf("added %+v and %+v", first, second)
	}
	if all := s.all(t, s.alice); len(all) != 2 || all[0] != first || all[1] != second {
		t.Errorf("listed %+v", all)
	}
	if page, err := s.List(t.Context(), s.alice, 10, 1); err != nil || len(page) != 1 || page[0] != second {
		t.Errorf("second page %+v, %v", page, err)
	}
	if _, err := s.Add(t.Context(), address(12, 99)); !errors.Is(err, user.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

func TestReplaceAddress(t *testing.T) {
	s := openShelf(t)
	s.add(t, address(10, s.alice))
	a := address(10, s.alice)
	a.Place = user.Place{Recipient: "Bob", Phone: "123", Line1: "2", City: "Paris", Country: "FR", Default: true}
	a.CreatedAt, a.UpdatedAt = time.Time{}, noon.Add(time.Second)
	want := a
	want.CreatedAt = noon
	if got, err := s.Replace(t.Context(), a); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if all := s.all(t, s.alice); len(all) != 1 || all[0] != want {
		t.Errorf("stored %+v", all)
	}
}

func TestOneDefaultAtMost(t *testing.T) {
	s := openShelf(t)
	s.add(t, address(10, s.alice))
	s.add(t, address(20, s.bob))
	later := defaulted(address(11, s.alice))
	later.UpdatedAt = noon.Add(time.Second)
	s.add(t, later)
	s.wantDefault(t, s.alice, 11)
	if was := s.all(t, s.alice)[0]; !was.UpdatedAt.Equal(later.UpdatedAt) {
		t.Errorf("the old default was updated at %v", was.UpdatedAt)
	}
	for range 2 { // the second time it is the default already
		if _, err := s.Replace(t.Context(), defaulted(address(10, s.alice))); err != nil {
			t.Error(err)
		}
		s.wantDefault(t, s.alice, 10)
	}
	s.wantDefault(t, s.bob, 20)
	if _, err := s.Replace(t.Context(), address(10, s.alice)); err != nil || len(s.defaults(t, s.alice)) != 0 {
		t.Errorf("given up: %v, %v", err, s.defaults(t, s.alice))
	}
}

func TestRemoveAddress(t *testing.T) {
	s := openShelf(t)
	s.add(t, address(10, s.alice))
	s.add(t, address(11, s.alice))
	if err := s.Remove(t.Context(), s.alice, 10); err != nil {
		t.Fatal(err)
	}
	if all := s.all(t, s.alice); len(all) != 1 || all[0] != address(11, s.alice) {
		t.Errorf("left %+v", all)
	}
	if err := s.Remove(t.Context(), s.alice, 10); !errors.Is(err, user.ErrAddressNotFound) {
		t.Errorf("again: %v", err)
	}
	if _, err := s.Replace(t.Context(), address(10, s.alice)); !errors.Is(err, user.ErrAddressNotFound) || len(s.all(t, s.alice)) != 1 {
		t.Errorf("replaced what is gone: %v", err)
	}
}

func TestSomebodyElsesAddress(t *testing.T) {
	s := openShelf(t)
	mine := s.add(t, address(10, s.alice))
	if _, err := s.Replace(t.Context(), defaulted(address(10, s.bob))); !errors.Is(err, user.ErrAddressNotFound) {
		t.Errorf("replace: %v", err)
	}
	if err := s.Remove(t.Context(), s.bob, 10); !errors.Is(err, user.ErrAddressNotFound) {
		t.Errorf("remove: %v", err)
	}
	if all := s.all(t, s.alice); len(all) != 1 || all[0] != mine || len(s.all(t, s.bob)) != 0 {
		t.Errorf("left %+v", all)
	}
}

// addTogether adds n addresses of the user side by side, each as the default,
// and returns how many were too many.
func (s shelf) addTogether(t *testing.T, owner user.ID, n int) (tooMany int) {
	t.Helper()
	results := make(chan error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			_, err := s.Add(t.Context(), defaulted(address(user.AddressID(100+i), owner)))
			results <- err
		})
	}
	wg.Wait()
	close(results)
	for err := range results {
		if errors.Is(err, user.ErrTooManyAddresses) {
			tooMany++
		} else if err != nil {
			t.Error(err)
		}
	}
	return tooMany
}

// However many come at once, a user has twenty addresses and one default.
func TestNoMoreThanTwentyAddresses(t *testing.T) {
	s := openShelf(t)
	s.add(t, address(10, s.alice))
	if tooMany := s.addTogether(t, s.alice, 30); tooMany != 11 || len(s.all(t, s.alice)) != user.MaxAddresses {
		t.Errorf("%d were too many, %d stand", tooMany, len(s.all(t, s.alice)))
	}
	if got := s.defaults(t, s.alice); len(got) != 1 {
		t.Errorf("the defaults are %v", got)
	}
	s.add(t, address(20, s.bob)) // his own twenty
	if err := s.Remove(t.Context(), s.alice, 10); err != nil {
		t.Fatal(err)
	}
	s.add(t, address(11, s.alice))
}

// Those who come at once to an empty shelf do not each become the default.
func TestTheFirstOfManyIsTheDefault(t *testing.T) {
	s := openShelf(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { _, _ = s.Add(t.Context(), address(user.AddressID(100+i), s.alice)) })
	}
	wg.Wait()
	if all, got := s.all(t, s.alice), s.defaults(t, s.alice); len(all) != 8 || len(got) != 1 {
		t.Errorf("of %d the defaults are %v", len(all), got)
	}
}
