// Package attempts bounds how often one client address may fail to log in, and
// sign up.
package attempts

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/ratelimit"
)

// Limiter is the part of *ratelimit.Limiter that is needed.
type Limiter interface {
	Allow(ctx context.Context, key string) (ratelimit.Result, error)
	Return(ctx context.Context, key string, n int64, r ratelimit.Result)
}

// Failures lets through what an address asks until too much of it has been
// answered with 401, and refuses then. Each request takes a token first, so
// that many at once are bounded too, and gets it back unless it fails.
func Failures(l Limiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		key := network(c.ClientIP())
		r, ok := admit(c, l, key)
		if !ok {
			return
		}
		c.Next()
		if c.Writer.Status() != http.StatusUnauthorized {
			l.Return(c.Request.Context(), key, 1, r)
		}
	}
}

// All counts every request of an address, whatever becomes of it.
func All(l Limiter) gin.HandlerFunc {
	return func(c *gin.Context) { admit(c, l, network(c.ClientIP())) }
}

func admit(c *gin.Context, l Limiter, key string) (ratelimit.Result, bool) {
	r, err := l.Allow(c.Request.Context(), key)
	if err == nil && !r.Allowed {
		r.WriteHeader(c.Writer.Header())
		err = apperr.New(apperr.TooMany, contracts.CodeTooManyAttempts, "too many attempts from this address").WithRetryAfter(r.RetryAfter)
	}
	if err != nil {
		httpserver.Fail(c, err)
	}
	return r, err == nil
}

// network is what counts as one client: an IPv4 address, or the /64 of IPv6
// that a client can move in as it likes.
func network(client string) string {
	addr, err := netip.ParseAddr(client)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, _ := addr.Prefix(64) // an IPv6 address always has one
	return prefix.String()
}
