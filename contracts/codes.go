package contracts

import "strconv"

// Stable error codes of the public API (the `code` of a problem+json reply).
// The codes every service shares (malformed JSON, unauthenticated …) belong to
// httpserver; these are the domain's own.
const (
	CodeEmailTaken         = "email_taken"
	CodeWeakPassword       = "weak_password"
	CodeInvalidCredentials = "invalid_credentials"
	CodeInvalidAddress     = "invalid_address"
	CodeAddressNotFound    = "address_not_found"
	CodeTooManyAddresses   = "too_many_addresses"

	CodeProductNotFound = "product_not_found"
	CodeSKUTaken        = "sku_taken"
	CodeBelowReserved   = "below_reserved"
	CodeOtherVersion    = "other_version"

	CodeOrderNotFound       = "order_not_found"
	CodeOrderNotCancellable = "order_not_cancellable"
	CodeOrderNotReturnable  = "order_not_returnable"
	CodeUnknownSKU          = "unknown_sku"
	CodeInvalidOrder        = "invalid_order"
	CodeInvalidReturn       = "invalid_return"
	CodeMethodNotOffered    = "payment_method_not_offered"
	CodePointsNotOffered    = "points_not_offered"
	CodeTooManyOpenOrders   = "too_many_open_orders"
	CodeOutOfStock          = "out_of_stock"
	CodeWaitingRoom         = "waiting_room"
	CodeOutcomeUnknown      = "outcome_unknown"
	CodeQueueFull           = "queue_full"

	CodeInvalidAmount = "invalid_amount"
	CodeBadSignature  = "bad_signature"

	CodeBlocked        = "blocked"
	CodeNotBlocked     = "not_blocked"
	CodeBlocklistFull  = "blocklist_full"
	CodeInvalidSubject = "invalid_subject"

	CodeTooManyAttempts = "too_many_attempts"
)

// Reasons of an order that was rejected, cancelled or returned.
const (
	ReasonOutOfStock     = "out_of_stock"
	ReasonPaymentFailed  = "payment_failed"
	ReasonPointsRefused  = "points_refused"
	ReasonUserCancelled  = "user_cancelled"
	ReasonDeadlinePassed = "deadline_passed"
	ReasonReturned       = "returned"
)

// RefundLate is the id of the refund of a capture that came after the order
// was cancelled; there is at most one per order.
func RefundLate(order int64) string { return strconv.FormatInt(order, 10) + ":late" }

// RefundReturn is the id of the refund of an order that is returned; there is
// at most one per order.
func RefundReturn(order int64) string { return strconv.FormatInt(order, 10) + ":return" }

// PointsCurrency is the only money that points stand for: one point pays one
// minor unit of it.
const PointsCurrency = "CNY"

// Payment methods a client may choose.
const (
	MethodWallet = "wallet"
	MethodCard   = "card"
)
