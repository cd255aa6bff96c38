package daemon

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// TakeTurn lets one process at a time do what the file at path stands for. It
// blocks until the others are done or ctx ends, and calls waiting once when
// there are any. The turn ends with done, or with the process.
func TakeTurn(ctx context.Context, path string, waiting func()) (done func() error, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = lock(f, syscall.LOCK_EX)
	if errors.Is(err, ErrRunning) {
		waiting()
		err = waitForLock(ctx, f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

func waitForLock(ctx context.Context, f *os.File) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		if err := lock(f, syscall.LOCK_EX); !errors.Is(err, ErrRunning) {
			return err
		}
	}
}
