package audit

import (
	"context"
	"strings"
)

// statusRefunded is a refund whose money went back.
const statusRefunded = "REFUNDED"

// refunds are what payment gave, or is about to give back for one order.
type refunds struct {
	promised int64 // sum of all
	ids      int
	done     int // how many went back
}

// readRefunds adds refunds up by order, and holds each against the ledger (4):
// it moved the refund's amount when the money went back, and nothing before.
func readRefunds(ctx context.Context, q querier, f *findings) (map[int64]refunds, error) {
	moved, err := readRefundEntries(ctx, q)
	if err != nil {
		return nil, err
	}
	all := map[int64]refunds{}
	var id, status string
	var order, amount int64
	err = each(ctx, q, "SELECT refund_id, order_id, status, amount FROM refund", []any{&id, &order, &status, &amount}, func() error {
		r := all[order]
		r.promised += amount
		r.ids++
		gone := int64(0)
		if status == statusRefunded {
			r.done++
			gone = amount
		}
		if moved[id] != gone {
			f.violated(Ledger, "refund "+id, "%s of %d, the ledger moved %d", status, amount, moved[id])
		}
		delete(moved, id)
		all[order] = r
		return nil
	})
	for id, amount := range moved {
		f.violated(Ledger, "refund "+id, "the ledger moved %d, but there is no refund", amount)
	}
	return all, err
}

func readRefundEntries(ctx context.Context, q querier) (map[string]int64, error) {
	moved := map[string]int64{}
	var cause string
	var amount int64
	err := each(ctx, q, "SELECT cause, amount FROM ledger_entry WHERE cause LIKE 'refund:%'", []any{&cause, &amount}, func() error {
		moved[strings.TrimPrefix(cause, "refund:")] += amount
		return nil
	})
	return moved, err
}

// checkRefunds holds what was promised against what the payment has put aside
// for it (3).
func checkRefunds(p *paymentRow, r refunds, f *findings) {
	if r.ids > 1 {
		f.violated(Captures, orderSubject(p.order), "it is refunded under %d ids", r.ids)
	}
	if p.refunded != r.promised {
		f.violated(Captures, orderSubject(p.order), "refunded %d, its refunds add up to %d", p.refunded, r.promised)
	}
}
