package audit

import "context"

// openStatuses are those of payments and refunds that wait for the provider.
const openStatuses = "('PENDING', 'CALLING', 'UNKNOWN')"

// checkCalls holds what waits for the provider against what the provider is to
// be asked (5): what is open will be asked for, and nothing else will.
func checkCalls(ctx context.Context, s snapshots, f *findings) error {
	for _, c := range []struct{ detail, query string }{
		{
			"its payment waits for the provider, whom nobody will ask",
			"SELECT p.order_id FROM payment p LEFT JOIN provider_call c ON c.order_id = p.order_id AND c.kind = 'charge' " +
				"WHERE p.status IN " + openStatuses + " AND c.call_key IS NULL",
		},
		{
			"a refund waits for the provider, whom nobody will ask",
			"SELECT r.order_id FROM refund r LEFT JOIN provider_call c ON c.call_key = r.refund_id WHERE r.status IN " + openStatuses + " AND c.call_key IS NULL",
		},
		{
			"the provider is to be asked for a charge that does not wait for it",
			"SELECT c.order_id FROM provider_call c LEFT JOIN payment p ON p.order_id = c.order_id AND p.status IN " + openStatuses +
				" WHERE c.kind = 'charge' AND p.order_id IS NULL",
		},
		{
			"the provider is to be asked for a refund that does not wait for it",
			"SELECT c.order_id FROM provider_call c LEFT JOIN refund r ON r.refund_id = c.call_key AND r.status IN " + openStatuses +
				" WHERE c.kind = 'refund' AND r.refund_id IS NULL",
		},
	} {
		var order int64
		err := each(ctx, s.payment, c.query, []any{&order}, func() error {
			f.violated(Decisions, orderSubject(order), "%s", c.detail)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
