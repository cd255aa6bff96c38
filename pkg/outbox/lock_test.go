package outbox_test

import (
	"context"
	"sync"

	"souk.example/pkg/database"
)

// lockLeases holds up every renewal until unlock is called.
func (s *shop) lockLeases() (unlock func()) {
	s.t.Helper()
	db := s.open()
	locked, release, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.InTx(s.t.Context(), func(ctx context.Context, tx *database.Tx) error {
			rows, err := tx.Query(ctx, "SELECT owner FROM relay_lease"+tx.ForUpdate())
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			_ = rows.Close()
			close(locked)
			<-release
			return rows.Err()
		})
	}()
	<-locked
	return sync.OnceFunc(func() {
		close(release)
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
}
