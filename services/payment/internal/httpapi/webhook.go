package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/groupcommit"
	"souk.example/pkg/httpserver"
	"souk.example/services/payment/internal/payment"
	"souk.example/services/payment/internal/provider"
)

// Recorder writes down what the provider says, durably.
type Recorder interface {
	Record(ctx context.Context, w payment.Word) error
}

// Webhooks says which webhooks are the provider's and for us.
type Webhooks struct {
	Verifier *provider.Verifier
	Merchant string
}

// maxNotice bounds a webhook's body, in bytes.
const maxNotice = 64 << 10

// psp answers 204 when what the webhook says is written down, was before, or
// means nothing to us. The provider sends it again after anything else.
func (a *API) psp(c *gin.Context) {
	word, err := a.webhooks.read(c)
	if err == nil && word != nil && word.Said != payment.Unsure {
		err = a.recorder.Record(c.Request.Context(), *word)
	}
	if err != nil {
		httpserver.Fail(c, webhookError(err))
		return
	}
	c.Status(http.StatusNoContent)
}

// read returns what a genuine webhook says; nil for nothing.
func (w Webhooks) read(c *gin.Context) (*payment.Word, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxNotice))
	if err != nil {
		return nil, err
	}
	if err := w.Verifier.Verify(c.GetHeader(provider.SignatureHeader), body); err != nil {
		return nil, err
	}
	notice, err := provider.ParseNotice(body)
	switch {
	case err != nil:
		return nil, err
	case notice.Merchant != w.Merchant:
		return nil, errMerchant
	}
	return notice.Word, nil
}

var errMerchant = apperr.New(apperr.Unprocessable, "unknown_merchant", "the webhook is for another merchant")

func webhookError(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return apperr.New(apperr.TooLarge, "body_too_large", "the request body is too large")
	}
	switch {
	case errors.Is(err, groupcommit.ErrFull), errors.Is(err, groupcommit.ErrStopped):
		return apperr.New(apperr.Unavailable, contracts.CodeQueueFull, "too much is waiting to be written down: come again").With(err)
	case errors.Is(err, provider.ErrBadSignature):
		return apperr.New(apperr.Unauthenticated, contracts.CodeBadSignature, "the signature is missing, wrong or too old")
	case errors.Is(err, provider.ErrMalformedNotice):
		return apperr.New(apperr.Invalid, "malformed_webhook", "the body is not a webhook").With(err)
	case errors.Is(err, payment.ErrNotOurs):
		return apperr.New(apperr.NotFound, "payment_not_found", "there is no such payment or refund").With(err)
	case errors.Is(err, payment.ErrMismatch):
		return apperr.New(apperr.Unprocessable, "charge_mismatch", "the webhook does not match what was asked").With(err)
	}
	return err
}
