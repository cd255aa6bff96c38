package audit

import "context"

// withinEach holds each database against itself.
func withinEach(ctx context.Context, s snapshots, f *findings) error {
	for _, c := range []check{checkStock, checkOrders, checkPayments, checkCalls, checkLedger, checkPoints, checkKeys, checkIDs} {
		if err := c(ctx, s, f); err != nil {
			return err
		}
	}
	return nil
}
