package audit_test

import "fmt"

// stockSKU puts ten units of the SKU on the shelf.
func (s *shop) stockSKU() {
	s.insert(s.inventory, "stock", row{"sku": sku, "available": stock, "reserved": 0, "sold": 0, "initial": stock, "adjusted": 0})
	s.move("initial", stock, 0, 0, stock)
}

// move writes one line of the stock ledger.
func (s *shop) move(cause string, available, reserved, sold, initial int) {
	s.packs++
	s.insert(s.inventory, "stock_ledger", row{
		"batch_id": s.packs, "sku": sku, "cause": cause, "d_available": available, "d_reserved": reserved, "d_sold": sold,
		"d_initial": initial, "d_adjusted": 0, "note": "", "at": 1,
	})
}

// reserve decides one unit of the SKU for an order, with the stock to match.
func (s *shop) reserve(id int64, status string) {
	s.t.Helper()
	s.insert(s.inventory, "reservation", row{
		"order_id": id, "status": status, "items": fmt.Sprintf(`[{"sku":%q,"quantity":1}]`, sku), "reason": "", "refused_sku": "",
		"version": 1, "at": 1, "updated_at": 1,
	})
	switch status {
	case "HELD":
		s.exec(s.inventory, "UPDATE stock SET available = available - 1, reserved = reserved + 1")
		s.move("reserve", -1, 1, 0, 0)
	case "COMMITTED":
		s.exec(s.inventory, "UPDATE stock SET available = available - 1, sold = sold + 1")
		s.move("commit", -1, 0, 1, 0)
	}
}

// release puts a sold unit back, with the stock to match.
func (s *shop) release(id int64) {
	s.t.Helper()
	s.exec(s.inventory, "UPDATE reservation SET status = 'RELEASED' WHERE order_id = ?", id)
	s.exec(s.inventory, "UPDATE stock SET available = available + 1, sold = sold - 1")
	s.move("release", 1, 0, -1, 0)
}

// hold turns a released reservation into a held one, with the stock to match.
func (s *shop) hold(id int64) {
	s.t.Helper()
	s.exec(s.inventory, "DELETE FROM reservation WHERE order_id = ?", id)
	s.reserve(id, "HELD")
}
