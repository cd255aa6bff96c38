package audit

import "context"

// withinEach holds each database against itself.
func withinEach(ctx context.Context, s snapshots, f *findings) error {
	for _, c := range []check{checkOrders} {
		if err := c(ctx, s, f); err != nil {
			return err
		}
	}
	return nil
}

// betweenDatabases holds what the services say of each order against each other.
func betweenDatabases(ctx context.Context, s snapshots, f *findings) error { return nil }
