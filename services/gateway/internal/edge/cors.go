package edge

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-Id, X-Request-Id, Traceparent"
	corsExposed = "ETag, Idempotent-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id"
	corsMaxAge  = "600" // seconds
)

// CORS lets web pages of the origins given ("https://shop.example") call the
// API and read its replies; without any, only our own pages can. A page that
// hides its origin ("null": a sandboxed frame, a local file) is refused, and so
// are the preflight of an unknown one and its WebSocket, which the browser would let
// it read. Cookies are never involved: the API
// knows its callers by token.
func CORS(origins []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		origin := c.GetHeader("Origin")
		switch {
		case origin == "" || sameHost(origin, c.Request.Host):
			c.Next()
		case origin != "null" && slices.Contains(origins, origin):
			allow(c, origin)
		case origin == "null" || isPreflight(c.Request) || isUpgrade(c.Request):
			httpserver.Fail(c, apperr.New(apperr.Forbidden, "origin_not_allowed", "pages of this origin may not call the API"))
		default:
			c.Header("Vary", "Origin") // without leave the browser keeps the reply from the page
			c.Next()
		}
	}
}

func allow(c *gin.Context, origin string) {
	header := c.Writer.Header()
	header.Add("Vary", "Origin")
	header.Set("Access-Control-Allow-Origin", origin)
	if !isPreflight(c.Request) {
		header.Set("Access-Control-Expose-Headers", corsExposed)
		c.Next()
		return
	}
	header.Set("Access-Control-Allow-Methods", corsMethods)
	header.Set("Access-Control-Allow-Headers", corsHeaders)
	header.Set("Access-Control-Max-Age", corsMaxAge)
	c.AbortWithStatus(http.StatusNoContent)
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

func isUpgrade(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// sameHost reports whether a page of ours asks. The scheme is left out: TLS
// ends in front of us.
func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == host
}
