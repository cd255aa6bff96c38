package audit

// reservationRow is the part of a row of reservation that the audit looks at.
type reservationRow struct {
	order  int64
	status string
	items  []byte
}

const selectReservations = "SELECT order_id, status, items FROM reservation ORDER BY order_id"

func (r *reservationRow) id() int64 { return r.order }

func (r *reservationRow) fields() []any { return []any{&r.order, &r.status, &r.items} }

// The statuses of a reservation.
const (
	held      = "HELD"
	committed = "COMMITTED"
	released  = "RELEASED"
	rejected  = "REJECTED"
)
