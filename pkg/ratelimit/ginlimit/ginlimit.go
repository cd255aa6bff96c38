// Package ginlimit puts a rate limit before Gin handlers.
package ginlimit

import (
	"context"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/ratelimit"
)

// CodeRateLimited is the code of the problem that a refused request gets.
const CodeRateLimited = "rate_limited"

// Limiter is the part of *ratelimit.Limiter that the middleware needs.
type Limiter interface {
	Allow(ctx context.Context, key string) (ratelimit.Result, error)
}

// KeyFunc says whose limit a request counts against; "" is nobody's, and the
// request passes.
type KeyFunc func(c *gin.Context) string

// ClientIP is the address that Gin trusts to be the client's.
func ClientIP(c *gin.Context) string { return c.ClientIP() }

// Middleware lets a request pass while its key is within the limit, and
// answers 429 with Retry-After otherwise. Both carry the RateLimit headers.
func Middleware(l Limiter, key KeyFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		k := key(c)
		if k == "" {
			return
		}
		r, err := l.Allow(c.Request.Context(), k)
		if err != nil {
			httpserver.Fail(c, err)
			return
		}
		r.WriteHeader(c.Writer.Header())
		if !r.Allowed {
			httpserver.Fail(c, apperr.New(apperr.TooMany, CodeRateLimited, "too many requests").WithRetryAfter(r.RetryAfter))
		}
	}
}
