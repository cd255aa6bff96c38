// Package ginlimit puts a rate limit before Gin handlers.
package ginlimit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

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

// bounded is a key that a Limiter takes: a client may send one of any length.
func bounded(key string) string {
	if len(key) <= ratelimit.MaxKey {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Middleware lets a request pass while its key is within the limit, and
// answers 429 with Retry-After otherwise. Both carry the RateLimit headers. A
// key longer than ratelimit.MaxKey counts by its hash.
func Middleware(l Limiter, key KeyFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		k := key(c)
		if k == "" {
			return
		}
		r, err := l.Allow(c.Request.Context(), bounded(k))
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
