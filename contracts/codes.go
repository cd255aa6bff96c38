package contracts

// Stable error codes of the public API (the `code` of a problem+json reply).
// The codes every service shares (malformed JSON, unauthenticated …) belong to
// httpserver; these are the domain's own.
const (
	CodeEmailTaken         = "email_taken"
	CodeWeakPassword       = "weak_password"
	CodeInvalidCredentials = "invalid_credentials"

	CodeProductNotFound = "product_not_found"
	CodeSKUTaken        = "sku_taken"
	CodeBelowReserved   = "below_reserved"

	CodeOrderNotFound    = "order_not_found"
	CodeUnknownSKU       = "unknown_sku"
	CodeInvalidOrder     = "invalid_order"
	CodeMethodNotOffered = "payment_method_not_offered"
	CodeOutcomeUnknown   = "outcome_unknown"
	CodeQueueFull        = "queue_full"

	CodeInvalidAmount = "invalid_amount"
)

// Reasons of an order that was rejected or cancelled.
const (
	ReasonOutOfStock    = "out_of_stock"
	ReasonPaymentFailed = "payment_failed"
)

// Payment methods a client may choose.
const (
	MethodWallet = "wallet"
	MethodCard   = "card"
)
